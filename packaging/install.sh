#!/bin/sh
# Installs ferry and ferryd from a release directory: the folder that has them,
# their SHA256SUMS and, where they are shipped with it, man/.
#   sh install.sh [PREFIX]        (default /usr/local)
set -eu

prefix="${1:-/usr/local}"
here="$(cd "$(dirname "$0")" && pwd)"

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

for name in ferry ferryd SHA256SUMS; do
  [ -f "$here/$name" ] || fail "Cannot find $here/$name: run this from a release directory"
done
if command -v sha256sum >/dev/null; then
  (cd "$here" && sha256sum --check --quiet SHA256SUMS) || fail "The executables are not what SHA256SUMS says: get them again"
else
  (cd "$here" && shasum -a 256 --check --quiet SHA256SUMS) || fail "The executables are not what SHA256SUMS says: get them again"
fi

mkdir -p "$prefix/bin" || fail "Cannot write to $prefix: name another folder, or run this as its owner"
for name in ferry ferryd; do
  # Under another name first: a program that runs is not overwritten in place.
  cp "$here/$name" "$prefix/bin/.$name.new"
  chmod 755 "$prefix/bin/.$name.new"
  mv "$prefix/bin/.$name.new" "$prefix/bin/$name"
done
for page in "$here"/man/*.[1-9]; do
  [ -f "$page" ] || continue
  section="${page##*.}"
  mkdir -p "$prefix/share/man/man$section"
  cp "$page" "$prefix/share/man/man$section/"
done
"$prefix/bin/ferry" --version
"$prefix/bin/ferryd" --version
