# Sourced by the other scripts: sets JAVA_HOME to a JDK 25.0.3 or later, or says in one line what to install.
# Older 25.0.x can move arrays that are pinned for vector access (JDK-8377811).

jdk_is_good() {
  [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  local v major minor patch
  v=$(sed -n 's/^JAVA_VERSION="\([0-9.]*\).*"/\1/p' "$1/release")
  IFS=. read -r major minor patch _ <<EOF
$v
EOF
  [ "${major:-0}" -gt 25 ] || { [ "${major:-0}" -eq 25 ] && { [ "${minor:-0}" -gt 0 ] || [ "${patch:-0}" -ge 3 ]; }; }
}

find_jdk() {
  local candidate java
  java=$(command -v java || true)
  [ -z "$java" ] || java=$(dirname "$(dirname "$(readlink -f "$java")")")
  for candidate in "${JAVA_HOME:-}" "$java" /usr/lib/jvm/* /opt/* "$HOME"/.sdkman/candidates/java/* \
      /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if [ -n "$candidate" ] && jdk_is_good "$candidate"; then
      export JAVA_HOME=$candidate
      return 0
    fi
  done
  echo "qdistill needs a JDK 25.0.3 or later (such as Temurin 25: package temurin-25-jdk, or https://adoptium.net); install one or set JAVA_HOME to it." >&2
  return 1
}

find_jdk || exit 2
