# Shared by `up` and `down`; source it, do not run it.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Debian keeps the daemons where a user's PATH does not reach.
export PATH="$PATH:/usr/sbin:/sbin"

# What one checkout uses unless told otherwise; short, because names of sockets end at 107 characters.
default_folder() {
    echo "${XDG_RUNTIME_DIR:-/tmp}/multiscale-run-slurm-$(id -u)-$(cksum <<<"$CHECKOUT" | cut -d' ' -f1)"
}

fail() { printf 'ci/slurm/%s: %s\n' "$(basename "$0")" "$1" >&2; exit "${2:-1}"; }

# is_running PIDFILE DAEMON: whether the process of that file lives, and is not another one with a number used again.
is_running() {
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] &&
        ! grep -q '^State:.*Z (' "/proc/$pid/status"
}

# Lines of "PIDFILE DAEMON", in the order in which they are ended.
daemons_in() {
    local file
    echo "$1/slurmctld.pid slurmctld"
    for file in "$1"/slurmd-*.pid; do
        if [ -e "$file" ]; then echo "$file slurmd"; fi
    done
    echo "$1/munged.pid munged"
}
