# Shared by the scripts that build a wheel once and keep it in the user's cache; source it after lib.sh, do not run it.
# A script defines APT_PACKAGES, GIGABYTES_PER_JOB and the function build, which puts the wheel into $WORK/wheel.

# As many compilers at a time as there are cores, or fewer where memory is short.
jobs() {
    local by_memory
    by_memory=$(awk -v each="$GIGABYTES_PER_JOB" '/^MemAvailable/ { print int($2 / 1048576 / each) }' /proc/meminfo)
    [ "$by_memory" -ge 1 ] || by_memory=1
    echo $((by_memory < $(nproc) ? by_memory : $(nproc)))
}

finished_wheel() { find "$TARGET" -maxdepth 1 -name '*.whl' 2>/dev/null | head -n 1; }

stop_if_finished() {
    if [ "$1" != --force ] && [ -n "$(finished_wheel)" ]; then
        finished_wheel
        exit 0
    fi
}

# cached_wheel NAME KEY DURATION [--force]: prints the path of the wheel, and builds it when the cache does not have it.
# Only a finished wheel gets its place; builds of the same wheel wait for each other.
cached_wheel() {
    local name=$1 key=$2 duration=$3 force=${4:-} installed
    # the wheel is linked to libraries among them, so they must be there even where it is built already
    installed=$(install_system_packages "${APT_PACKAGES[@]}") || fail "apt could not install what $name needs: ${APT_PACKAGES[*]}"
    [[ $installed == *present:* ]] || echo "$installed" >&2
    python -c 'import pip' 2>/dev/null || fail "no Python with pip in $VENV; run scripts/setup first or set MULTISCALE_RUN_VENV"
    TARGET=$CACHE/wheels/$key-$(python -c 'import sys; print("cp%d%d" % sys.version_info[:2])')-$(uname -m)
    stop_if_finished "$force"

    mkdir -p "$TARGET"
    exec 9>"$TARGET.lock"
    flock 9
    # another build may have ended while this one waited
    stop_if_finished "$force"
    rm -rf "$TARGET"/build.* # of a build that was killed
    WORK=$(mktemp -d "$TARGET/build.XXXXXX")
    trap 'rm -rf "$WORK"' EXIT
    echo "building $name, $duration; messages: $WORK/log" >&2
    build >"$WORK/log" 2>&1 || { tail -n 40 "$WORK/log" >&2; fail "$name could not be built; its last messages are above"; }
    mv -f "$WORK"/wheel/*.whl "$TARGET/"
    finished_wheel
}

# wheel_from_source REQUIREMENT OPTION...: pip's part of a build.
wheel_from_source() {
    local requirement=$1
    shift
    CMAKE_BUILD_PARALLEL_LEVEL=$(jobs) TMPDIR=$WORK nice python -m pip wheel \
        --no-deps --no-binary "${requirement%%==*}" --no-cache-dir --disable-pip-version-check --wheel-dir "$WORK/wheel" \
        "$@" "$requirement"
}
