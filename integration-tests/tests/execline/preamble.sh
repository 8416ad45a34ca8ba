# What every case begins with. A wait is for a file to be there or for a process to be gone, and
# ends after thirty seconds with a line that no case expects.
export LC_ALL=C TZ=UTC
set -o pipefail
umask 022
# Whoever runs the tests may have left descriptors open: none but that of this script stays.
for FD in /proc/$$/fd/*; do
    FD=${FD##*/}
    [ "$FD" -le 2 ] || [ "/proc/$$/fd/$FD" -ef "$0" ] || exec {FD}>&-
done
unset FD
W=$PWD
EB=$(type -P execlineb)
TOOLS=${W%/*}/tools
mkdir "$TOOLS"
PATH=$PATH:$TOOLS
tool() { printf '#!/bin/sh\n%s\n' "$2" > "$TOOLS/$1"; }
# Each argument as it came.
tool args 'test $# = 0 && echo "(none)" && exit
printf "<%s>" "$@"
echo'
# The descriptors of the process, but for that of this very script, and what they refer to.
tool fds '(ls -l "/proc/$$/fd" > "${0%/*}/fds.$$"; true)
sed -n -E "s/.* ([0-9]+) -> (.*)/\1 \2/p" "${0%/*}/fds.$$" | sed -E "/tools\/fds$/d; s/:\[[0-9]+\]//; s,/.*/,,"'
tool k9 'kill -9 $$'
tool await 'for i in $(seq 1500); do
    test -e "$1" && exit 0
    sleep 0.02
done
echo "TIMEOUT: $1"
exit 1'
# Until a process is no more, not even as a zombie.
tool gone 'for i in $(seq 1500); do
    test ! -e "/proc/$1" && exit 0
    sleep 0.02
done
echo "TIMEOUT: end of $1"
exit 1'
chmod 755 "$TOOLS"/*
ex() { execlineb -Pc "$@"; }
rc() { echo "rc $?"; }
# A program's output and its code; of a usage message only whose it is.
u() {
    "$@" > "$TOOLS/output" 2>&1
    set -- $?
    sed -E 's/^([^ ]+: usage): .*/\1/' "$TOOLS/output"
    echo "rc $1"
}
ux() { u execlineb -Pc "$@"; }
# As root that may not read and write whatever it likes.
weak() { setpriv --bounding-set -dac_override,-dac_read_search "$@"; }
# The environment that env printed, sorted, without what the shell adds.
envs() { sed -E '/^(PATH|PWD|OLDPWD|SHLVL|_|LC_ALL|TZ)=/d' | sort; }
# Bytes, in hexadecimal.
bytes() { od -An -v -tx1 | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'; echo; }
# A file that can be run.
mk() {
    cat > "$1"
    chmod 755 "$1"
}
