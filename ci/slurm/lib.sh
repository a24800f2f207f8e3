# shellcheck shell=bash
# Shared by `up` and `down`; source it, do not run it.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Debian keeps the daemons where a user's PATH does not reach.
export PATH="$PATH:/usr/sbin:/sbin"

# What one checkout uses unless told otherwise; short, because names of sockets end at 107 characters.
default_folder() {
    echo "${XDG_RUNTIME_DIR:-/tmp}/multiscale-run-slurm-$(id -u)-$(cksum <<<"$CHECKOUT" | cut -d' ' -f1)"
}

fail() { printf 'ci/slurm/%s: %s\n' "$(basename "$0")" "$1" >&2; exit "${2:-1}"; }

# is_running PID DAEMON: whether that process lives, and is not another one with a number used again.
is_running() {
    [ -n "$1" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ] && ! grep -qs '^State:.*Z (' "/proc/$1/status"
}

# Lines of "DAEMON PID", in the order in which they are ended; without the number where there is none.
daemons_in() {
    local file
    echo "slurmctld $(cat "$1/slurmctld.pid" 2>/dev/null)"
    for file in "$1"/slurmd-*.pid; do
        echo "slurmd $(cat "$file" 2>/dev/null)"
    done
    echo "munged $(cat "$1/munged.pid" 2>/dev/null)"
}
