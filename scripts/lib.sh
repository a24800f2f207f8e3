# Shared by the scripts of this folder; source it, do not run it.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${MULTISCALE_RUN_VENV:-$ROOT/.venv}
# shellcheck disable=SC2034 # for the scripts that keep something there
CACHE=${MULTISCALE_RUN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/multiscale-run}
export PATH="$VENV/bin:$PATH"

# Open MPI: allowed as root (containers, CI), and ranks that wait give way to ranks that work on a shared machine.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl_vader_single_copy_mechanism=none
# One thread per rank: the ranks are the parallelism.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}

fail() {
    echo "scripts/$(basename "$0"): $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# install_system_packages NAME...: the packages of Debian or Ubuntu that are missing.
install_system_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || { echo "   present: $*"; return 0; }
    command -v apt-get >/dev/null || { echo "missing, and there is no apt-get: ${missing[*]}" >&2; return 1; }
    echo "   installing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# require_python PROGRAM: ends the script where it is too old for the suite.
require_python() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    echo "$0: Python 3.11 or newer is needed; $1 is $("$1" --version 2>&1 || true)" >&2
    exit 1
}

say() { printf '\n== %s\n' "$*"; }

# timed LABEL COMMAND...: run a command and remember how long it took, for print_times. The shell does not stop at a
# failure inside a function that is timed: the function has to chain its commands, or return.
TIMES=()
timed() {
    local label=$1 start=$SECONDS status=0
    shift
    say "$label"
    "$@" || status=$?
    TIMES+=("$(printf '%-34s %4d s' "$label" $((SECONDS - start)))")
    return $status
}

print_times() {
    say "time taken"
    printf '   %s\n' "${TIMES[@]}"
}
