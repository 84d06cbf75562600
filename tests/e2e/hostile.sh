# Repositories made to harm the host that fetches them.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

# A static release: no service, so that nothing but fetch, stage and switch is at work.
declare_plain() {
    cat >deploy/production/web.yaml <<YAML
version: 1
app: web
release: {git: {url: "file://$work/web.git", commit: $commit}}
root: $work/srv/web
YAML
    git -C deploy add -A
    git -C deploy commit -q -S -m "web"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
}
why_web() { # what the journal says of the last deployment
    python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("SELECT outcome || chr FROM (SELECT outcome, char(32) || reason AS chr FROM deployments ORDER BY id DESC LIMIT 1)").fetchone()[0])' "$work/state/state.db"
}

test_attack_29_nothing_that_a_repository_or_a_users_git_configures_is_run_or_followed() {
    world
    printf '#!/bin/sh\ntouch "%s/pwned"\ncat\n' "$work" >evil
    chmod +x evil
    mkdir hooks
    for hook in post-checkout post-merge reference-transaction fsmonitor-watchman pre-auto-gc; do cp evil hooks/$hook; done
    cd web
    echo 'plain filter=evil ident eol=crlf export-subst' >.gitattributes
    printf '$Id$ $Format:%%H$\n' >plain
    git add -A
    git commit -q -m "Attributes"
    git push -q "$work/web.git" HEAD:main
    commit=$(git rev-parse HEAD)
    # Another content for `plain`, as a replacement that travels with the repository.
    other=$(echo replaced | git -C "$work/web.git" hash-object -w --stdin)
    git -C "$work/web.git" replace "$(git rev-parse HEAD:plain)" "$other"
    cd "$work"
    declare_plain
    cp home/.gitconfig sane
    for key in filter.evil.smudge filter.evil.process core.fsmonitor core.sshCommand core.alternateRefsCommand; do
        git config --file evil.config "$key" "$work/evil"
    done
    git config --file evil.config core.hooksPath "$work/hooks"
    git config --file evil.config url."file://$work/elsewhere".insteadOf "file://$work/web.git"
    evil_once() { # among a user's settings that would run or bend everything
        cp evil.config home/.gitconfig
        GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.fsmonitor GIT_CONFIG_VALUE_0=$work/evil GIT_EXTERNAL_DIFF=$work/evil \
            GIT_ALTERNATE_OBJECT_DIRECTORIES=$work once
        cp sane home/.gitconfig
        expect_status 0
        expect_no_file pwned
        expect_equal "$(cat srv/web/current/plain)" '$Id$ $Format:%H$'
    }
    evil_once
    # A mirror into which somebody planted a replacement and alternates gives the commit's own content all the same.
    mirror=$(find state/sources -name HEAD -not -path '*manifests*' -printf '%h\n' | head -n 1)
    echo "$work/web/.git/objects" >"$mirror/objects/info/alternates"
    mkdir -p "$mirror/refs/replace"
    echo "$other" >"$mirror/refs/replace/$(git -C web rev-parse HEAD:plain)"
    echo next >web/next
    git -C web add next
    git -C web commit -q -m "Next"
    git -C web push -q "$work/web.git" HEAD:main
    commit=$(git -C web rev-parse HEAD)
    declare_plain
    evil_once
    expect_file srv/web/current/next
}

test_attack_30_bombs_of_size_number_and_depth_are_refused_and_leave_nothing() {
    world
    echo 'limits: {file: 8MiB, release: 16MiB, files: 200}' >>etc/tidegated.yaml
    release 1 1 0
    declare_plain
    once
    expect_status 0
    before=$(hash_of_tree srv)
    refused() {
        git -C web push -q -f "$work/web.git" HEAD:main
        commit=$(git -C web rev-parse HEAD)
        declare_plain
        once
        expect_status 1
        expect_contains "$(why_web)" "$1"
        expect_equal "$(hash_of_tree srv)" "$before"
    }
    # 64 MiB of nothing, which are 64 KiB on the way.
    truncate -s 64M web/zeros
    git -C web add -A
    git -C web commit -q -m "A bomb"
    refused "zeros"
    git -C web reset -q --hard HEAD^
    (cd web && mkdir many && for i in $(seq 300); do : >many/$i; done)
    git -C web add -A
    git -C web commit -q -m "Many files"
    refused "200"
    git -C web reset -q --hard HEAD^
    # Ten thousand levels, each tree holding the next.
    deep=$(python3 - "$work/deep.pack" <<'PY'
import hashlib, struct, sys, zlib
entries, kinds = [], {b"commit": 1, b"tree": 2, b"blob": 3}
def put(kind, body):
    size, head = len(body) >> 4, [kinds[kind] << 4 | len(body) & 15]
    while size:
        head[-1] |= 128
        head.append(size & 127)
        size >>= 7
    entries.append(bytes(head) + zlib.compress(body, 1))
    return hashlib.sha1(b"%s %d\0" % (kind, len(body)) + body).hexdigest()
oid = put(b"tree", b"100644 f\0" + bytes.fromhex(put(b"blob", b"x")))
for _ in range(10000):
    oid = put(b"tree", b"40000 d\0" + bytes.fromhex(oid))
print(put(b"commit", b"tree %s\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\ndeep\n" % oid.encode()))
pack = b"PACK" + struct.pack(">II", 2, len(entries)) + b"".join(entries)
open(sys.argv[1], "wb").write(pack + hashlib.sha1(pack).digest())
PY
)
    git -C web.git index-pack --stdin <deep.pack >/dev/null
    git -C web.git update-ref refs/heads/deep "$deep"
    commit=$deep
    declare_plain
    once
    [ "$status" = 1 ] || [ "$status" = 3 ] || fail "exit code $status: $err"
    expect_equal "$(hash_of_tree srv)" "$before"
    expect_contains "$(why_web)" "level"
    # The host is as able as before.
    git -C web.git update-ref -d refs/heads/deep
    git -C web push -q -f "$work/web.git" HEAD:main
    release 2 1 0
    declare_plain
    once
    expect_status 0
    expect_equal "$(cat srv/web/current/VERSION)" 2
}

test_attack_33_gitmodules_and_advertised_bundles_are_ignored() {
    world
    port=$(free_port)
    start python3 -c "
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): open('$work/asked', 'a').write(self.path); self.send_error(404)
http.server.HTTPServer(('127.0.0.1', $port), Handler).serve_forever()"
    git -C web.git config uploadpack.advertiseBundleURIs true
    git -C web.git config bundle.version 1
    git -C web.git config bundle.mode all
    git -C web.git config bundle.evil.uri "http://127.0.0.1:$port/evil.bundle"
    git config --global transfer.bundleURI true
    git config --global fetch.recurseSubmodules true
    printf '[submodule "x"]\n\tpath = x\n\turl = http://127.0.0.1:%s/sub.git\n' "$port" >web/.gitmodules
    release 1 1 0
    declare_plain
    once
    expect_status 0
    expect_file srv/web/current/.gitmodules
    before=$(hash_of_tree srv)
    # With a submodule behind it the release is refused, by its path.
    git -C web update-index --add --cacheinfo "160000,$commit,x"
    git -C web commit -q -m "A submodule"
    git -C web push -q "$work/web.git" HEAD:main
    commit=$(git -C web rev-parse HEAD)
    declare_plain
    once
    expect_status 1
    expect_contains "$(why_web)" "submodule"
    expect_equal "$(hash_of_tree srv)" "$before"
    expect_no_file asked
    expect_no_file pwned
}

# What of an archive cannot become files is the archive's fault: held, not tried again for ever.
test_attack_39_an_archive_of_which_nothing_can_come_is_held() {
    trust
    manifests_repo
    host
    python3 - <<'PY'
import io, tarfile
for name, entry in (("long", "x" * 256), ("plain", "top/file")):
    with tarfile.open(name + ".tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(entry), io.BytesIO())
PY
    declare_archive() { # NAME [MORE]
        cat >deploy/production/web.yaml <<YAML
version: 1
app: web
release: {archive: {url: "file://$work/$1.tar", sha256: $(sha256sum "$1.tar" | cut -d' ' -f1)${2:-}}}
root: $work/srv/web
YAML
        git -C deploy add -A
        git -C deploy commit -q -S -m "web"
        git -C deploy push -q "$work/deploy.git" HEAD:deploy
        once
    }
    declare_archive long
    expect_status 1
    expect_contains "$(why_web)" "failed cannot write"
    expect_contains "$(why_web)" "File name too long"
    declare_archive plain ", strip: 2"
    expect_status 1
    expect_contains "$(why_web)" "failed nothing of it is left for a release"
    expect_contains "$err" "leaves out more folders than its names have"
    expect_equal "$(ls srv/web/releases)" ""
    declare_archive plain ", strip: 1"
    expect_status 0
    expect_file srv/web/current/file
}
