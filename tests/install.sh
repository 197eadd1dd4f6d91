#!/bin/sh
# Install into an empty folder, look whether all is there, build a C program against what was installed:
# tests/install.sh BUILD CC
set -eu
build=$1
cc=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM

fail() {
    echo "install: $*" >&2
    exit 1
}

DESTDIR="$root" cmake --install "$build" --prefix /usr/local >"$root/log" 2>&1 || {
    cat "$root/log" >&2
    fail "cmake --install failed"
}
usr=$root/usr/local
for file in bin/selkie include/selkie/seal.h share/man/man1/selkie.1 share/man/man1/selkie-seal.1 \
    share/bash-completion/completions/selkie share/zsh/site-functions/_selkie; do
    [ -s "$usr/$file" ] || fail "$file is missing or empty"
done
pc=$(find "$usr" -name selkie_proofs.pc)
[ -n "$pc" ] || fail "no pkg-config file"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
lib=$(pkg-config --variable=libdir selkie_proofs)

# Only the library's own functions may be seen by a program, none of blst.
nm -D --defined-only "$lib/libselkie_proofs.so" >"$root/symbols"
grep -q ' T slk_commp$' "$root/symbols" || fail "the shared library does not export slk_commp"
others=$(awk '$3 !~ /^slk_/' "$root/symbols")
[ -z "$others" ] || fail "the shared library exports more than slk_ functions: $others"
readelf -d "$lib/libselkie_proofs.so" | grep -q 'SONAME.*libselkie_proofs\.so\.' || fail "no soname"

# Every public header compiles on its own.
for header in "$usr"/include/selkie/*.h; do
    echo "#include <selkie/$(basename "$header")>" >"$root/header.c"
    # shellcheck disable=SC2046
    "$cc" -std=c17 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags selkie_proofs) "$root/header.c"
done

# Shared, then everything but the C library static.
# shellcheck disable=SC2046
"$cc" "$here/example_commp.c" $(pkg-config --cflags --libs selkie_proofs) -o "$root/shared"
mkdir "$root/static-only"
cp "$lib/libselkie_proofs.a" "$root/static-only"
# shellcheck disable=SC2046
"$cc" "$here/example_commp.c" -L"$root/static-only" $(pkg-config --static --cflags --libs selkie_proofs |
    sed "s#-L$lib##g") -o "$root/static"
ldd "$root/static" | grep -q selkie && fail "the static program needs the shared library"

text="the first library call"
by_program=$(printf %s "$text" | "$usr/bin/selkie" piece commp --json - |
    sed -n 's/.*"piece_cid": *"\([^"]*\)".*/\1/p')
[ -n "$by_program" ] || fail "selkie piece commp printed no piece_cid"
for how in shared static; do
    got=$(LD_LIBRARY_PATH="$lib" "$root/$how" "$text") || fail "the $how program failed"
    [ "$got" = "$by_program 128" ] || fail "$how: got '$got', expected '$by_program 128'"
done
echo "installed, linked shared and static: $by_program"
