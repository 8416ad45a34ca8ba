# Run by unshare(1) as PID 1 of new mount, pid and net namespaces: makes the root that the test
# asked for and becomes what the arguments say. All of it disappears with the mount namespace.
set -eu
umask 022

mount -t tmpfs -o mode=755 nest "$NEST_WORK"
root=$NEST_WORK/root
mkdir "$root"
if [ "$NEST_ROOT" = scratch ]; then
    mount --bind "$root" "$root"
    mkdir "$root/proc" "$root/dev" "$root/run" "$root/tmp"
else
    mkdir "$NEST_WORK/upper" "$NEST_WORK/overlay"
    mount -t overlay -o "lowerdir=/,upperdir=$NEST_WORK/upper,workdir=$NEST_WORK/overlay" nest "$root"
fi
cp -a "$NEST_TREE/." "$root/"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
if [ "$NEST_INSTALL" = yes ]; then
    "$NEST_BINARY" install --root "$root" > "$NEST_WORK/install.log" 2>&1 || {
        echo "sixfold install --root failed with $?:" >&2
        cat "$NEST_WORK/install.log" >&2
        exit 99
    }
fi
mount -t tmpfs -o "$NEST_RUN_OPTIONS" run "$root/run"
eval "$NEST_PREPARE"
if [ "$NEST_READ_ONLY" = yes ]; then
    mount -o remount,bind,ro "$root"
fi
exec "$@"
