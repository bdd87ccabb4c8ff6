#!/usr/bin/env bash
# Builds the image with an engine and runs it and compose.yaml, in namespaces that are gone afterwards with all that ran in them. Needs root and,
# from Debian, what .ci/run installs for this step. Says SKIPPED where the machine permits no containers.
#   run.sh [KEPT]      KEPT: a folder in which images stay for the next run
set -euo pipefail
cd "$(dirname "$0")/../.."
skipped() { echo "SKIPPED: the image was not built and run: $1"; exit 0; }

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || skipped 'somebody without rights runs this'
  unshare --mount --pid --fork --kill-child true 2>/dev/null || skipped 'the machine gives no namespaces'
  folder=${1:-$(mktemp -d)}
  mkdir -p "$folder"
  [ -n "${1:-}" ] || trap 'rm -rf "$folder"' EXIT
  timeout 1500 unshare --mount --pid --fork --mount-proc --kill-child bash "$0" inside "$(realpath "$folder")"
  exit
fi

folder=$2
export CONTAINERS_STORAGE_CONF=$folder/storage.conf CONTAINERS_CONF=$folder/containers.conf
# Checks of health are asked for by the tests: an engine leaves them to timers of systemd, which a container or a sandbox does not have.
export DISABLE_HC_SYSTEMD=true
# One hierarchy, as the runtime wants it, without the machine's limits: nothing is limited here.
mount -t cgroup2 none /sys/fs/cgroup || skipped 'control groups cannot be mounted'
mkdir -p "$folder/lower" "$folder/upper" "$folder/work" "$folder/merged"
driver=vfs
if mount -t overlay overlay -o "lowerdir=$folder/lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/merged" 2>/dev/null; then
  umount "$folder/merged"
  driver=overlay
fi
printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' "$driver" "$folder/images" "$folder/containers" >"$CONTAINERS_STORAGE_CONF"
# Limits that this process may set for its children as well.
cat >"$CONTAINERS_CONF" <<END
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
END

rm -rf "$folder/containers" "$folder/debian"
# Whether Debian's mirror has what they are made of is no business of the image.
podman image exists docker.io/library/node:24-trixie-slim || test/image/bases/make.sh "$folder" || skipped 'the images it stands on could not be made'
why=$(podman run --rm --network none localhost/debian true 2>&1) || skipped "$why"

# The registry and the certificates of this machine, for npm inside; they do not become part of the image.
mkdir -p "$folder/etc"
printf 'registry=%s\n' "$(npm config get registry)" >"$folder/etc/npmrc"
if [ -r /etc/ssl/certs/ca-certificates.crt ]; then
  cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/certificates.crt"
  echo 'cafile=/usr/local/etc/certificates.crt' >>"$folder/etc/npmrc"
fi
# Below the folder that is mounted anyway: a mount of its own would leave its place in the image.
mkdir -p "$folder/etc/cache"
echo 'cache=/usr/local/etc/cache' >>"$folder/etc/npmrc"
# Without this format a health check is dropped.
buildah build --format docker --isolation chroot --network host -v "$folder/etc:/usr/local/etc" -v "$(npm config get cache):/usr/local/etc/cache" \
  -t causeway . >"$folder/build.log" 2>&1 || { tail -n 60 "$folder/build.log"; exit 1; }

export CAUSEWAY_ENGINE_FOLDER=$folder
exec unshare --net bash -c 'ip link set lo up && exec npx vitest run --config test/image/vitest.config.ts'
