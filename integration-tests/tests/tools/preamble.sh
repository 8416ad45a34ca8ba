# What every case begins with.
export LC_ALL=C TZ=UTC
set -o pipefail
umask 022
rc() { echo "rc $?"; }
# A program's output and its code.
u() {
    "$@" 2>&1
    echo "rc $?"
}
# Bytes, in hexadecimal.
bytes() { od -An -v -tx1 | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'; echo; }
# Kind, mode and link of files.
modes() { stat -c '%A %n' "$@"; }
# What is below a directory, sorted.
tree() { (cd "$1" && find . -mindepth 1 -printf '%M %P %l\n' | sed 's/ $//' | LC_ALL=C sort -k2); }
# As root that may not read and write whatever it likes.
weak() { setpriv --bounding-set -dac_override,-dac_read_search "$@"; }
gone() {
    for i in $(seq 500); do
        kill -0 "$1" 2> /dev/null || return 0
        sleep 0.02
    done
    echo "TIMEOUT: $1"
}
