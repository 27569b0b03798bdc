# The job, in the guest: says what machine this is, shows the verifier's view, passes the live tests.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 NO_COLOR=1
export PROFILER_OWN_MACHINE=1 PROFILER_EMULATED=1
. /job/settings
uname -r >/job/release
nproc >/job/cpus
sort -u /sys/devices/system/cpu/cpu*/cache/index3/shared_cpu_list >/job/l3-groups
cd "$WORKSPACE/profiler" || exit

# A change of time copies a file into the layer in memory. A program that is left in the host's files waits for the
# host: for each page, and as it exits for each file that it has mapped.
ldd "$LIVE" | grep -o '/[^ ]*' | xargs touch "$LIVE" "$PROFILER_BIN"

"$PROFILER_BIN" doctor --programs --json >/job/programs.json 2>/job/programs.err
"$LIVE" --test-threads=1 --format=json ${FILTER:+"$FILTER"} >/job/live.json 2>/job/live.err

# What failed is tried again, at most twice, unless it is much: then it is no chance.
try_again() {
    sed -n 's/.*"type": "test", "name": "\([^"]*\)", "event": "failed".*/\1/p' "/job/$1.json" >/job/failed
    [ "$(wc -l </job/failed)" -le 5 ] || return
    while read -r test; do
        "$LIVE" --test-threads=1 --format=json --exact "$test" </dev/null
    done </job/failed >"/job/$2.json" 2>"/job/$2.err"
}
try_again live again-1
try_again again-1 again-2
