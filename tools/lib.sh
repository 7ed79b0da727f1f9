# shellcheck shell=bash
# Shared by the scripts of this folder: sourced, never run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cache="$root/.cache"

# Say one line about what is being done, on stderr: stdout belongs to answers.
say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# End with a message and exit status 1.
die() {
  say "$*"
  exit 1
}

# Succeed when packages can be installed here.
can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# Install Debian packages without questions and without starting any service of theirs.
apt_install() {
  can_install || die "needs the packages: $* (install them, or run as root on Debian)"
  mkdir -p "$cache"
  local log="$cache/apt.log" policy=/usr/sbin/policy-rc.d made_policy="" status=0
  # Parts of the test suite that run beside each other may need packages at the same time.
  exec 8>"$cache/apt.lock"
  flock 8
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made_policy=1
  fi
  {
    apt-get -o Acquire::Retries=3 update &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
  } </dev/null >"$log" 2>&1 || status=$?
  [ -z "$made_policy" ] || rm -f "$policy"
  exec 8>&-
  [ "$status" = 0 ] || {
    tail -n 15 "$log" >&2
    die "apt-get could not install: $* (whole log: $log)"
  }
}
