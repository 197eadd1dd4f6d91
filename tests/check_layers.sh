#!/bin/sh
# The checker of includes must find what it is for: tests/check_layers.sh CHECKER
set -eu
checker=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM

fresh_tree() {
    rm -rf "$root/src" "$root/include" "$root/tools"
    mkdir -p "$root/src/low" "$root/src/high" "$root/include/selkie" "$root/tools"
    printf 'low:\nhigh: low\n' >"$root/tools/layers.txt"
    echo '#include "low/low.h"' >"$root/src/low/low.c"
    echo '#include "selkie/public.h"' >"$root/src/low/low.h"
    printf '#include <stdio.h>\n#include "low/low.h"\n' >"$root/src/high/high.c"
    echo 'int slk_high(void);' >"$root/src/high/high.h"
    echo 'int slk_public(void);' >"$root/include/selkie/public.h"
}

accepts() {
    "$checker" "$root" >"$root/out" || {
        echo "refused: $1" >&2
        cat "$root/out" >&2
        exit 1
    }
}

# refuses WHAT WHERE: exit status 1, and WHERE (file:line) in the output
refuses() {
    if "$checker" "$root" >"$root/out" 2>&1; then
        echo "accepted: $1" >&2
        exit 1
    fi
    grep -q "$2" "$root/out" || {
        echo "$1: the message does not name $2:" >&2
        cat "$root/out" >&2
        exit 1
    }
}

fresh_tree
accepts "a good tree"
echo '#include "high/high.h"' >>"$root/src/low/low.c"
refuses "an include upwards" 'src/low/low.c:2'
fresh_tree
echo '#include "low/low.h"' >>"$root/include/selkie/public.h"
refuses "a public header that includes an internal one" 'include/selkie/public.h:2'
fresh_tree
echo '#  include "low.h"' >>"$root/src/low/low.c"
refuses "an include that is not written from src" 'src/low/low.c:2'
fresh_tree
mkdir "$root/src/stray" && echo >"$root/src/stray/x.c"
refuses "a folder without a row" 'src/stray/x.c'
fresh_tree
printf 'low: high\nhigh: low\n' >"$root/tools/layers.txt"
refuses "a cycle" 'layers.txt:1'
