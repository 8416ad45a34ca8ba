# The sources of services that the answers in the specification were observed with, in ./s; the
# database of them in ./db.
service() { # name type dependencies...
    mkdir -p "s/$1"
    echo "$2" > "s/$1/type"
    name=$1
    shift 2
    for other; do
        mkdir -p "s/$name/dependencies.d"
        : > "s/$name/dependencies.d/$other"
    done
}
oneshot() { # name script dependencies...
    script=$2
    one=$1
    shift 2
    service "$one" oneshot "$@"
    printf '%s\n' "$script" > "s/$one/up"
}
longrun() { # name script dependencies...
    script=$2
    long=$1
    shift 2
    service "$long" longrun "$@"
    printf '#!/bin/sh\n%s\n' "$script" > "s/$long/run"
}
bundle() { # name contents...
    service "$1" bundle
    mkdir "s/$1/contents.d"
    name=$1
    shift
    for other; do
        : > "s/$name/contents.d/$other"
    done
}
oneshot a 'sh -c "echo up-a"'
echo 'echo down-a' > s/a/down
oneshot b '' a
oneshot fail 'sh -c "echo failing; exit 42"'
oneshot afterfail '' fail b
oneshot indep true
oneshot slow1 'sleep 1000'
echo 500 > s/slow1/timeout-up
oneshot tells 'sh -c "pwd -P; echo $0 $#; echo \"FOO=$FOO\"; read line; echo read $line"'
oneshot dfail ''
echo 'sh -c "exit 3"' > s/dfail/down
longrun lr 'exec sleep 1000' a
longrun lready 'sleep 0.4; echo >&3; exec sleep 1000' lr
echo 3 > s/lready/notification-fd
longrun never 'exec sleep 1000'
echo 3 > s/never/notification-fd
echo 3000 > s/never/timeout-up
longrun stub 'trap "" TERM; : > /run/deaf; while :; do sleep 0.1; done'
echo 400 > s/stub/timeout-down
longrun perm 'exit 1'
printf '#!/bin/sh\nexit 125\n' > s/perm/finish
echo 3 > s/perm/notification-fd
longrun ess 'exec sleep 1000'
: > s/ess/flag-essential
longrun p1 'while :; do echo line; sleep 0.05; done'
longrun p2 'exec cat'
longrun p3 'exec cat > /run/piped'
echo p2 > s/p1/producer-for
echo p1 > s/p2/consumer-for
echo p3 > s/p2/producer-for
echo p2 > s/p3/consumer-for
echo pipe > s/p3/pipeline-name
bundle ok a b indep lr lready
bundle nest ok ess
s6-rc-compile db s
