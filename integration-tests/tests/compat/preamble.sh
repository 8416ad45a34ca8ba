# What every case begins with. Waits are for something to become so, and end after ten seconds with
# a line that no case expects.
export LC_ALL=C TZ=UTC
unset EXECLINE_STRICT
PIDS=
W=$PWD
mk() {
    mkdir -p "$1"
    printf '#!/bin/sh\n%s\n' "$2" > "$1/run"
    chmod 755 "$1/run"
}
fin() {
    printf '#!/bin/sh\n%s\n' "$2" > "$1/finish"
    chmod 755 "$1/finish"
}
# A service that writes down what signals it gets, and ends for TERM, INT and for a file "end".
watcher() {
    mk "$1" 'for s in ALRM ABRT QUIT HUP USR1 USR2 CONT WINCH; do trap "echo $s >> heard" $s; done
trap "echo TERM >> heard; exit 0" TERM
trap "echo INT >> heard; exit 0" INT
test -e notification-fd && echo >&3
echo run >> runs
while ! test -e end; do sleep 0.02; done
exit 0'
}
until_ok() {
    for i in $(seq 500); do
        "$@" > /dev/null 2>&1 && return 0
        sleep 0.02
    done
    echo "TIMEOUT: $*"
    return 1
}
is() { [ "$(s6-svstat -o "$2" "$1" 2> /dev/null)" = "$3" ]; }
# Until the fields of the status are as wanted.
want() { until_ok is "$1" "$2" "$3" || s6-svstat -o "$2" "$1"; }
has_lines() { [ "$(wc -l < "$1" 2> /dev/null || echo 0)" -ge "$2" ]; }
lines() { until_ok has_lines "$1" "$2"; }
gone() { ! kill -0 "$1" 2> /dev/null; }
not() { ! "$@"; }
sup() {
    env --default-signal s6-supervise "$1" &
    SUP=$!
    PIDS="$PIDS $SUP"
    until_ok s6-svok "$1"
    until_ok test -s "$1/supervise/status"
}
scan() {
    mkdir -p "$1"
    env --default-signal s6-svscan "$@" &
    SCAN=$!
    PIDS="$PIDS $SCAN"
    until_ok s6-svscanctl "$1"
}
deaths() { [ "$(wc -c < "$1/supervise/death_tally")" -eq $((14 * $2)) ]; }
# Runs a service once, which has died N times then, and waits until all of that is over.
once() {
    s6-svc -o "$1"
    until_ok deaths "$1" "$2"
    is_over "$1"
}
# Until nothing runs of a service any more, and that is written down.
is_down() { s6-svstat "$1" | grep -q '^down.* ready '; }
is_over() { until_ok is_down "$1"; }
# Until nobody supervises a service: Debian's supervisor says that it leaves a while before it has.
left() { until_ok not s6-svok "$1"; }
# Listens to the events of a service; "heard N" gives the next N letters.
ear() {
    s6-mkfifodir "$1/event" 2> /dev/null
    FIFO="$1/event/ftrig1:@400000000000000000000000:abcdef"
    mkfifo "$FIFO"
    exec 7<> "$FIFO"
}
heard() {
    timeout 10 head -c "$1" <&7
    echo
}
silent() { [ -z "$(timeout "${1:-0.2}" head -c 1 <&7)" ] && echo silent; }
mask() { sed -E 's/[0-9]+/N/g'; }
# A program's output and its code; of a usage message only whose it is.
u() {
    "$@" 2>&1 | sed -E 's/^([^ ]+: usage): .*/\1/'
    echo "rc ${PIPESTATUS[0]}"
}
# Starts s6-ipcserver with these words, and waits until its socket is there. It writes to "log".
serve() {
    s6-ipcserver -1 "$@" > ready 2> log &
    SERVER=$!
    PIDS="$PIDS $SERVER"
    until_ok test -s ready
    : > ready
}
has_ends() { [ "$(grep -c ' end pid ' log)" -ge "$1" ]; }
gone_children() { [ -z "$(pgrep -P $SERVER)" ]; }
