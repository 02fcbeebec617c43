#!/usr/bin/env bash
# Run `make demo` and `make test` in fresh minimal trees of Debian 12 and 13, as root. `make bare` calls it.
#
# A tree lies under build/bare/. What is done is not done again, so that a run that was stopped goes on; a new commit
# is tried from the start of its clone. All mounts are in a namespace of their own and go with the process.
#   RELEASES="bookworm trixie"   which trees
#   COMMANDS="demo test"         which targets; T=NAME limits the second to one bench
set -euo pipefail
unset CDPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."

RELEASES=${RELEASES:-bookworm trixie}
COMMANDS=${COMMANDS:-demo test}
BARE=$PWD/build/bare
PLAIN_PATH=/usr/bin:/bin:/usr/sbin:/sbin

say() { echo "bare: $*"; }
die() { echo "bare: error: $*" >&2; exit 1; }

# The Debian archive that this machine's apt uses.
mirror() {
    apt-get indextargets --format '$(REPO_URI) $(SUITE) $(CODENAME)' 'Created-By: Packages' 'Component: main' |
        awk '$2 !~ /security|updates|backports/ { print $1; exit }'
}

# Variables and files with which pip and apt of this machine reach their registries; nothing else is handed on.
registry_variables() {
    local name
    for name in $(compgen -e); do
        case $name in
            PIP_* | *_proxy | *_PROXY | SSL_CERT_FILE | SSL_CERT_DIR | REQUESTS_CA_BUNDLE) echo "$name=${!name}" ;;
        esac
    done
}

# Folders of this machine that pip is told to look into.
local_registries() {
    { cat /etc/pip.conf /etc/xdg/pip/pip.conf "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf" 2>/dev/null || true
      registry_variables; } | grep -oE '(file://)?/[A-Za-z0-9_./-]+' | sed 's,^file://,,' | grep -v '^/etc/' | sort -u |
        while read -r path; do [ ! -d "$path" ] || echo "$path"; done
}

copy_registry_files() {
    local tree=$1 path
    for path in /etc/pip.conf /etc/xdg/pip /etc/apt/auth.conf /etc/apt/auth.conf.d /usr/local/share/ca-certificates \
        /etc/hosts /etc/resolv.conf; do
        [ -e "$path" ] || continue
        mkdir -p "$tree$(dirname "$path")"
        cp -rL "$path" "$tree$(dirname "$path")/" 2>/dev/null || true
    done
    apt-config dump | grep -E '^Acquire::(.*[Pp]roxy|Check-|Retries|.*::Verify|.*::Ca)' >"$tree/etc/apt/apt.conf.d/90host" || true
}

new_tree() {
    local release=$1 tree=$2 uri
    uri=$(mirror)
    [ -n "$uri" ] || die "apt must have a Debian archive, which its configuration does not name (apt-get update first)"
    say "$release: debootstrap"
    rm -rf "$tree.new"
    mkdir -p "$BARE/debs"
    unshare --mount -- debootstrap --variant=minbase --cache-dir="$BARE/debs" "$release" "$tree.new" "$uri" >"$BARE/$release.log" 2>&1 ||
        { tail -n 3 "$BARE/$release.log" >&2; die "debootstrap $release failed; the whole log is in $BARE/$release.log"; }
    mv "$tree.new" "$tree"
}

# Run a command in a tree; the mounts end with it.
in_tree() {
    local tree=$1
    shift
    mapfile -t folders < <(local_registries)
    TREE=$tree unshare --mount -- bash -euc '
        while [ "$1" != -- ]; do
            mkdir -p "$TREE$1"; mount --bind "$1" "$TREE$1"; mount -o remount,bind,ro "$TREE$1"; shift
        done
        shift
        mount --rbind /proc "$TREE/proc"; mount --rbind /dev "$TREE/dev"
        exec chroot "$TREE" "$@"' bash "${folders[@]}" -- "$@"
}

try() {
    local release=$1 tree=$BARE/$1 commit command
    commit=$(git rev-parse HEAD)
    [ -d "$tree" ] || new_tree "$release" "$tree"
    copy_registry_files "$tree"
    mapfile -t variables < <(registry_variables)
    local plain=(env -i HOME=/srv PATH="$PLAIN_PATH" "${variables[@]}")
    if [ ! -e "$tree/srv/ready" ]; then
        say "$release: apt-get install make ca-certificates, which is all that is there beside minbase"
        in_tree "$tree" "${plain[@]}" DEBIAN_FRONTEND=noninteractive sh -c \
            'apt-get -q update && apt-get -q install -y --no-install-recommends make ca-certificates' >>"$BARE/$release.log" 2>&1 ||
            { tail -n 3 "$BARE/$release.log" >&2; die "$release: apt-get failed; the whole log is in $BARE/$release.log"; }
    fi
    cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"  # this machine may trust more
    touch "$tree/srv/ready"
    if [ "$(cat "$tree/srv/commit" 2>/dev/null)" != "$commit" ]; then
        rm -rf "$tree/srv/oxmc"
        mkdir -p "$tree/srv/oxmc"
        git archive "$commit" | tar -x -C "$tree/srv/oxmc"
        echo "$commit" >"$tree/srv/commit"
    fi
    for command in $COMMANDS; do
        if [ -e "$tree/srv/oxmc/build/.bare-$command" ]; then
            say "$release: make $command is done"
            continue
        fi
        say "$release: make $command"
        in_tree "$tree" "${plain[@]}" make -C /srv/oxmc "$command" ${T:+T=$T} || die "$release: make $command failed"
        touch "$tree/srv/oxmc/build/.bare-$command"
    done
}

[ "$(id -u)" = 0 ] || die "make bare must be run by root, who may make such a tree"
command -v debootstrap >/dev/null || die "debootstrap is not there (apt-get install debootstrap)"
mkdir -p "$BARE"
for release in $RELEASES; do
    try "$release"
done
say "done: $COMMANDS in $RELEASES"
