# Debian packages for the other scripts, which source this file.

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

install() {
    apt-get install -y -q "$@" >/dev/null 2>&1 ||
        { apt-get update -q && apt-get install -y -q "$@"; } >/dev/null 2>&1
}
