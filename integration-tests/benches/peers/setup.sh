# Run by unshare(1) as PID 1 of new namespaces: lays the upper layer, which holds the services, over the
# peer's root, and becomes what the arguments say. Nothing here is measured.
set -eu
umask 022
mount -t overlay -o "lowerdir=$BENCH_LOWER,upperdir=$BENCH_WORK/upper,workdir=$BENCH_WORK/overlay" bench "$BENCH_WORK/root"
root=$BENCH_WORK/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 bench "$root/tmp"
mount --bind "$BENCH_WORK/bench" "$root/bench"
if [ "$BENCH_RUN" = memory ]; then
    mount -t tmpfs -o mode=755 bench "$root/run"
fi
if [ "$BENCH_SCAN" = yes ]; then
    cp -a "$root/etc/services.d" "$root/run/service"
fi
exec "$@"
