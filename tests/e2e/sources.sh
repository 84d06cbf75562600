# Where releases come from, against real servers on loopback: nginx with git's http-backend and TLS by a CA of the test,
# sshd, git daemon, Debian's docker-registry. Each test needs no more than its server; without it, it is skipped.

# The host: unsigned manifests, no attestations, a static app, so that only the source is in question.
#   world [YAML that is put into the host's configuration]
world() {
    mkdir -p srv run etc app
    git init -q --bare deploy.git
    new_repo deploy
    mkdir deploy/production
    cat >etc/tidegated.yaml <<YAML
version: 1
host: {name: web-1, environment: production}
manifests: {url: "file://$work/deploy.git", branch: deploy}
trust:
  manifests: unsigned
  attestations: ${attestations:-off}
  protocols: [${protocols:-file}]
  allowed_signers: $work/allowed_signers
${trust_more:-}
roots: [$work/srv]
state: $work/state
socket: $work/run/control.sock
sandbox: process
log: {format: text, level: info}
${1:-}
YAML
}

# declare SOURCE [MORE]: the manifest says so, and a line that is new each time.
declare_source() {
    turn=$((${turn:-0} + 1))
    cat >deploy/production/web.yaml <<YAML
# $turn
version: 1
app: web
release: {$1}
root: $work/srv/web
${2:-}
YAML
    git -C deploy add -A
    git -C deploy commit -q -m "web $turn"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
}

once() { run tidegated --once --config "$work/etc/tidegated.yaml"; }
serves() { expect_equal "$(cat "$work/srv/web/current/VERSION")" "$1"; }
nothing_of_it() {
    expect_no_file "$work/srv/web/current"
    [ -z "$(ls -A "$work/srv/web/releases" 2>/dev/null)" ] || fail "left behind: $(ls -A "$work/srv/web/releases")"
}

# The app's repository, with one commit; its id in $commit.
app_repo() {
    new_repo app.work
    mkdir -p app.work/public
    echo "${1:-1}" >app.work/VERSION
    echo page >app.work/public/index.html
    git -C app.work add -A
    git -C app.work commit -q -m one
    commit=$(git -C app.work rev-parse HEAD)
    git clone -q --bare app.work app.git
    git -C app.git config uploadpack.allowAnySHA1InWant true
    git -C app.git config http.receivepack false
}

# A CA, and a certificate of it for localhost.
certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=test ca" \
        -keyout ca.key -out ca.pem 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=localhost" \
        -keyout tls.key -out tls.csr 2>/dev/null
    openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out tls.pem \
        -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n') 2>/dev/null
}

# nginx on https://localhost:$port: /git/ with basic auth (deploy:$token), /open/ without, /dl/ files, /away/ redirects.
https_server() {
    command -v nginx >/dev/null || skip "no nginx here"
    certificates
    port=$(free_port)
    token="canary-$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')"
    mkdir -p nginx dl
    printf 'deploy:{PLAIN}%s\n' "$token" >nginx/users
    local backend=
    if command -v fcgiwrap >/dev/null; then
        start fcgiwrap -s "unix:$work/nginx/fcgi.sock"
        wait_for 20 test -S nginx/fcgi.sock
        backend="fastcgi_pass unix:$work/nginx/fcgi.sock; fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
            fastcgi_param GIT_HTTP_EXPORT_ALL 1; fastcgi_param GIT_PROJECT_ROOT $work; fastcgi_param QUERY_STRING \$query_string;
            fastcgi_param REQUEST_METHOD \$request_method; fastcgi_param CONTENT_TYPE \$content_type;
            fastcgi_param GIT_PROTOCOL \$http_git_protocol; fastcgi_param PATH_INFO \$1; fastcgi_param REMOTE_USER \$remote_user;"
    fi
    cat >nginx/nginx.conf <<CONF
pid $work/nginx/pid;
error_log $work/nginx/error.log;
worker_processes 1;
events { worker_connections 64; }
http {
    access_log $work/nginx/access.log;
    client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f;
    uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $work/tls.pem; ssl_certificate_key $work/tls.key;
        location ~ ^/git(/.*) { auth_basic x; auth_basic_user_file $work/nginx/users; $backend }
        location ~ ^/open(/.*) { $backend }
        location /dl/ { alias $work/dl/; }
        location /private/ { auth_basic x; auth_basic_user_file $work/nginx/users; alias $work/dl/; }
        location /moved/ { return 302 /dl/web.tar.gz; }
        location /away/ { return 302 https://127.0.0.1:$port/dl/web.tar.gz; }
        location ~ ^/gitaway/(.*) { return 302 https://127.0.0.1:$port/open/\$1\$is_args\$args; }
    }
}
CONF
    [ "$(id -u)" != 0 ] || sed -i '1i user root;' nginx/nginx.conf
    start nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" -e "$work/nginx/error.log" -g 'daemon off;'
    wait_for 20 curl -s --cacert ca.pem "https://localhost:$port/dl/"
}

needs_http_backend() {
    command -v fcgiwrap >/dev/null && [ -x /usr/lib/git-core/git-http-backend ] || skip "no fcgiwrap, or no git http-backend here"
}

test_git_over_https_with_a_token_that_is_in_no_command_line_address_or_log_attack_63() {
    needs_http_backend
    https_server
    app_repo
    mkdir -p etc
    printf '%s\n' "$token" >etc/token
    chmod 600 etc/token
    protocols='file, https' world "credentials: [{match: \"https://localhost:$port/\", token: {file: $work/etc/token, user: deploy}, ca: $work/ca.pem}]"
    declare_source "git: {url: \"https://localhost:$port/git/app.git\", commit: $commit}"
    if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
        run traced -f -qq -s 8192 -e trace=execve -o "$work/calls" tidegated --once --config "$work/etc/tidegated.yaml"
    else
        once
        : >calls
    fi
    expect_status 0
    serves 1
    local secret
    for secret in "$token" "$(printf 'deploy:%s' "$token" | base64 -w0)"; do
        ! grep -qF -e "$secret" calls || fail "the token was on a command line"
        expect_lacks "$out$err" "$secret"
        ! grep -rqF -e "$secret" state nginx/access.log || fail "the token is in: $(grep -rlF -e "$secret" state nginx/access.log)"
    done
}

test_git_over_https_without_the_token_or_the_ca_is_refused_in_words() {
    needs_http_backend
    https_server
    app_repo
    protocols='file, https' world "credentials: [{match: \"https://localhost:$port/\", ca: $work/ca.pem}]"
    declare_source "git: {url: \"https://localhost:$port/git/app.git\", commit: $commit}"
    once
    expect_status 1
    expect_contains "$out$err" "localhost:$port/git/app.git"
    nothing_of_it
    sed -i '/^credentials/d' etc/tidegated.yaml
    declare_source "git: {url: \"https://localhost:$port/open/app.git\", commit: $commit}"
    once
    expect_status 1
    expect_contains "$out$err" "certificate"
    nothing_of_it
}

test_a_redirect_of_a_git_server_is_not_followed_attack_25() {
    needs_http_backend
    https_server
    app_repo
    protocols='file, https' world "credentials: [{match: \"https://localhost:$port/\", ca: $work/ca.pem}]"
    declare_source "git: {url: \"https://localhost:$port/gitaway/app.git\", commit: $commit}"
    once
    expect_status 1
    nothing_of_it
    expect_lacks "$(cat nginx/access.log)" "/open/"
}

# sshd on $port with a host key, that lets the key ./client in as we are.
ssh_server() {
    [ -x /usr/sbin/sshd ] || skip "no sshd here"
    port=$(free_port)
    [ -f host_key ] || ssh-keygen -q -t ed25519 -N '' -f host_key
    [ -f client ] || ssh-keygen -q -t ed25519 -N '' -f client
    cp client.pub authorized_keys
    chmod 600 authorized_keys
    cat >sshd_config <<CONF
Port $port
ListenAddress 127.0.0.1
HostKey $work/host_key
AuthorizedKeysFile $work/authorized_keys
StrictModes no
UsePAM no
PidFile $work/sshd.pid
PasswordAuthentication no
PermitRootLogin yes
CONF
    [ -n "${no_version:-}" ] || echo "AcceptEnv GIT_PROTOCOL" >>sshd_config
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    start /usr/sbin/sshd -D -E "$work/sshd.log" -f "$work/sshd_config"
    wait_for 20 ssh-keyscan -p "$port" 127.0.0.1
    printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 host_key.pub)" >known_hosts
}

test_git_over_ssh_with_a_key_file_and_with_an_agent() {
    ssh_server
    app_repo
    local me
    me=$(id -un)
    protocols='file, ssh' world "credentials: [{match: \"ssh://$me@127.0.0.1:$port/\", ssh_key: $work/client, known_hosts: $work/known_hosts}]"
    declare_source "git: {url: \"ssh://$me@127.0.0.1:$port$work/app.git\", commit: $commit}"
    once
    expect_status 0
    serves 1
    # By an agent that holds the key, the file itself gone.
    eval "$(ssh-agent -a "$work/agent.sock" -s)" >/dev/null
    echo "$SSH_AGENT_PID" >>.started
    ssh-add -q client
    rm client
    sed -i "s|ssh_key: $work/client|ssh_agent: $work/agent.sock|" etc/tidegated.yaml
    echo 2 >app.work/VERSION
    git -C app.work commit -qam two
    git -C app.work push -q "$work/app.git" HEAD
    declare_source "git: {url: \"ssh://$me@127.0.0.1:$port$work/app.git\", commit: $(git -C app.work rev-parse HEAD)}"
    SSH_AUTH_SOCK='' once
    kill "$SSH_AGENT_PID"
    expect_status 0
    serves 2
}

logins() { grep -c 'Accepted publickey' sshd.log || true; }
# The children of process $1 that hold a connection, and how many they are.
holders() { pgrep -P "$1" -x ssh || true; }
holds() { [ "$(holders "$1" | grep -c .)" = "$2" ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
# A look that began after this and reached the branch.
looked_again() { tidegatectl sync --socket "$work/run/control.sock"; }

# Both repositories over ssh, by a daemon whose pid is in $daemon.
ssh_daemon() {
    ssh_server
    app_repo
    local me
    me=$(id -un)
    protocols='file, ssh' world "credentials: [{match: \"ssh://\", ssh_key: $work/client, known_hosts: $work/known_hosts}]"
    sed -i "s|^manifests: .*|manifests: {url: \"ssh://$me@127.0.0.1:$port$work/deploy.git\", branch: deploy, interval: 1s}|" etc/tidegated.yaml
    source="url: \"ssh://$me@127.0.0.1:$port$work/app.git\""
    declare_source "git: {$source, commit: $commit}"
    start tidegated --config "$work/etc/tidegated.yaml"
    daemon=$started
    wait_for 60 grep -qx 1 srv/web/current/VERSION
}

# The app's next version, published and declared.
next_over_ssh() {
    echo "$1" >app.work/VERSION
    git -C app.work commit -qam "$1"
    git -C app.work push -q "$work/app.git" HEAD
    declare_source "git: {$source, commit: $(git -C app.work rev-parse HEAD)}"
}

test_looks_and_fetches_over_ssh_share_one_connection() {
    ssh_daemon
    local before
    wait_for 60 looked_again
    before=$(logins)
    next_over_ssh 2
    wait_for 60 grep -qx 2 srv/web/current/VERSION
    wait_for 60 looked_again
    expect_equal "$(logins)" "$before"
    wait_for 60 holds "$daemon" 1
    git -C state/sources/*/ fsck --full --connectivity-only --no-dangling
}

test_a_lost_ssh_connection_is_made_anew_by_the_next_look() {
    ssh_daemon
    wait_for 60 holds "$daemon" 1
    # Killed with its socket left behind.
    kill -KILL "$(holders "$daemon")"
    next_over_ssh 2
    wait_for 60 grep -qx 2 srv/web/current/VERSION
    wait_for 60 holds "$daemon" 1
    # Ended by the server.
    wait_for 60 looked_again
    pkill -P "$(cat sshd.pid)" || true
    next_over_ssh 3
    wait_for 60 grep -qx 3 srv/web/current/VERSION
}

test_a_kept_ssh_connection_is_not_used_for_another_key_or_known_hosts() {
    ssh_daemon
    wait_for 60 holds "$daemon" 1
    : >known_hosts
    next_over_ssh 2
    wait_for 60 grep -q "host key of 127.0.0.1 is not a known one" .background.log
    expect_equal "$(cat srv/web/current/VERSION)" 1
}

test_no_ssh_outlives_the_daemon() {
    ssh_daemon
    local held
    wait_for 60 holds "$daemon" 1
    held=$(holders "$daemon")
    kill -TERM "$daemon"
    wait_for 60 gone "$held"
    wait_for 60 gone "$daemon"
    [ -z "$(ls state/ssh)" ] || fail "sockets left: $(ls state/ssh)"
    start tidegated --config "$work/etc/tidegated.yaml"
    daemon=$started
    wait_for 60 holds "$daemon" 1
    held=$(holders "$daemon")
    kill -KILL "$daemon"
    wait_for 60 gone "$held"
    run tidegated --once --config "$work/etc/tidegated.yaml"
    expect_status 0
    [ -z "$(ls state/ssh)" ] || fail "sockets left: $(ls state/ssh)"
}

test_a_server_that_is_told_of_no_version_of_the_protocol_is_looked_at_over_ssh_too() {
    no_version=1 ssh_daemon
    local before
    wait_for 60 looked_again
    before=$(logins)
    next_over_ssh 2
    wait_for 60 grep -qx 2 srv/web/current/VERSION
    expect_equal "$(logins)" "$before"
}

test_an_unknown_and_a_changed_ssh_host_key_are_refused_attack_26() {
    ssh_server
    app_repo
    local me
    me=$(id -un)
    protocols='file, ssh' world "credentials: [{match: \"ssh://\", ssh_key: $work/client, known_hosts: $work/known_hosts}]"
    declare_source "git: {url: \"ssh://$me@127.0.0.1:$port$work/app.git\", commit: $commit}"
    : >known_hosts
    once
    expect_status 4
    expect_contains "$out$err" "host key of 127.0.0.1 is not a known one"
    nothing_of_it
    ssh-keygen -q -t ed25519 -N '' -f other
    printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 other.pub)" >known_hosts
    declare_source "git: {url: \"ssh://$me@127.0.0.1:$port$work/app.git\", commit: $commit}"
    once
    expect_status 4
    expect_contains "$out$err" "host key of 127.0.0.1 is not a known one"
    nothing_of_it
}

test_git_protocol_where_the_host_names_it_and_only_there() {
    [ -x /usr/lib/git-core/git-daemon ] || skip "no git daemon here"
    app_repo
    port=$(free_port)
    start git daemon --reuseaddr --listen=127.0.0.1 --port="$port" --export-all --base-path="$work"
    wait_for 20 git ls-remote "git://127.0.0.1:$port/app.git"
    world
    declare_source "git: {url: \"git://127.0.0.1:$port/app.git\", commit: $commit}"
    once
    expect_status 4
    expect_contains "$out$err" "the protocol git is not allowed"
    nothing_of_it
    sed -i 's/protocols: .*/protocols: [file, git]/' etc/tidegated.yaml
    declare_source "git: {url: \"git://127.0.0.1:$port/app.git\", commit: $commit}"
    once
    expect_status 0
    serves 1
}

# pack NAME TAR-ARGUMENT…: dl/NAME out of the folder app; its digest in $sha256.
pack() {
    local name=$1
    shift
    mkdir -p dl
    tar -C app -cf "dl/$name" "$@" .
    sha256=$(sha256sum "dl/$name" | cut -d' ' -f1)
}

test_archives_over_https_are_deployed_shared_and_gone_back_to() {
    https_server
    protocols='file, https' world "credentials: [{match: \"https://localhost:$port/\", ca: $work/ca.pem}]"
    echo 1 >app/VERSION
    head -c 300000 /dev/urandom >app/big
    mkdir app/empty
    pack web-1.tar.gz --gzip
    local first=$sha256 inode
    declare_source "archive: {url: \"https://localhost:$port/dl/web-1.tar.gz\", sha256: $first}"
    once
    expect_status 0
    serves 1
    [ -d srv/web/current/empty ] || fail "the empty folder is not there"
    inode=$(stat -c %i srv/web/current/big)
    echo 2 >app/VERSION
    pack web-2.tar.zst --zstd
    declare_source "archive: {url: \"https://localhost:$port/dl/web-2.tar.zst\", sha256: $sha256}"
    once
    expect_status 0
    serves 2
    cmp app/big srv/web/current/big
    # On a file system without reflinks the unchanged file is the same one.
    cp --reflink=always dl/web-1.tar.gz dl/clone 2>/dev/null || expect_equal "$(stat -c %i srv/web/current/big)" "$inode"
    rm dl/web-1.tar.gz
    declare_source "archive: {url: \"https://localhost:$port/dl/web-1.tar.gz\", sha256: $first}"
    once
    expect_status 0
    serves 1
    # What somebody changed is mended from our own store, the archive being gone.
    chmod u+w srv/web/current/VERSION
    echo evil >srv/web/current/VERSION
    once
    serves 1
}

test_an_archive_that_breaks_off_is_gone_on_from_and_the_next_mirror_asked() {
    world
    sed -i 's/protocols: .*/protocols: [file, http]/' etc/tidegated.yaml
    echo 1 >app/VERSION
    head -c 400000 /dev/urandom >app/big
    pack web.tar
    port=$(free_port)
    cat >server.py <<'PY'
import http.server, re, sys
body = open("dl/web.tar", "rb").read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("asked", "a").write("%s %s %s\n" % (self.path, self.headers.get("Range"), self.headers.get("If-Range")))
        if self.path != "/cut": return self.send_error(404)
        start = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        at = int(start.group(1)) if start else 0
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"v1"')
        if start: self.send_header("Content-Range", "bytes %d-%d/%d" % (at, len(body) - 1, len(body)))
        self.send_header("Content-Length", str(len(body) - at))
        self.end_headers()
        self.wfile.write(body[at:at + 150000])  # never more than that at once
        self.close_connection = True
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
    start python3 server.py "$port"
    wait_for 20 curl -s "http://127.0.0.1:$port/"
    declare_source "archive: {url: \"http://127.0.0.1:$port/none\", sha256: $sha256, mirrors: [\"http://127.0.0.1:$port/cut\"]}"
    once
    expect_status 0
    serves 1
    expect_contains "$(cat asked)" "/none None None"
    expect_contains "$(cat asked)" '/cut bytes=150000- "v1"'
    expect_contains "$(cat asked)" '/cut bytes=300000- "v1"'
}

test_an_archive_with_another_digest_is_refused_and_redirects_stay_on_the_server_attack_25() {
    https_server
    protocols='file, https' world "credentials: [{match: \"https://\", ca: $work/ca.pem}]"
    echo 1 >app/VERSION
    pack web.tar.gz --gzip
    declare_source "archive: {url: \"https://localhost:$port/dl/web.tar.gz\", sha256: $(printf x | sha256sum | cut -d' ' -f1)}"
    once
    expect_status 4
    expect_contains "$out$err" "is not the one that is meant"
    nothing_of_it
    declare_source "archive: {url: \"https://localhost:$port/away/\", sha256: $sha256}"
    once
    expect_status 4
    expect_contains "$out$err" "sends us on to another server"
    nothing_of_it
    declare_source "archive: {url: \"https://localhost:$port/moved/\", sha256: $sha256}"
    once
    expect_status 0
    serves 1
}

test_an_archive_that_would_leave_its_folder_is_refused_whole_attack_39() {
    world
    mkdir -p dl
    python3 - <<'PY'
import io, tarfile
t = tarfile.open("dl/evil.tar", "w")
def add(name, data=b"x", **more):
    i = tarfile.TarInfo(name); i.size = len(data)
    for k, v in more.items(): setattr(i, k, v)
    t.addfile(i, io.BytesIO(data))
add("VERSION")
add("out", b"", type=tarfile.SYMTYPE, linkname="../../../outside")
add("out/evil")
t.close()
PY
    mkdir outside
    declare_source "archive: {url: \"file://$work/dl/evil.tar\", sha256: $(sha256sum dl/evil.tar | cut -d' ' -f1)}"
    once
    [ "$status" != 0 ] || fail "it was deployed"
    expect_contains "$out$err" "lies below a link"
    nothing_of_it
    expect_equal "$(ls -A outside)" ""
    expect_equal "$(find state/sources -name '*.part' -o -name 'tmp_pack*')" ""
}

test_an_archive_is_proven_by_what_lies_beside_it() {
    ssh-keygen -q -t ed25519 -N '' -C ana@example.com -f ana
    printf 'ana@example.com namespaces="tidegate-attestation" %s\n' "$(cut -d' ' -f1,2 ana.pub)" >allowed_signers
    git config --global gpg.format ssh
    git config --global user.signingkey "$work/ana.pub"
    new_repo src
    cd src
    printf 'version: 1\nstages: {pre-push: {gates: [{name: ok, run: "true"}]}}\n' >.tidegate.yaml
    echo 1 >VERSION
    git add -A
    git commit -q -m one
    run tidegate run pre-push --attest
    expect_status 0
    mkdir -p ../dl
    git archive --prefix=web-1/ -o ../dl/web.tar.gz HEAD
    tidegate attest show HEAD --envelope >../proofs
    cd ..
    attestations=required world
    sha256=$(sha256sum dl/web.tar.gz | cut -d' ' -f1)
    declare_source "archive: {url: \"file://$work/dl/web.tar.gz\", sha256: $sha256, strip: 1}"
    once
    expect_status 4
    expect_contains "$out$err" "is not attested for pre-push"
    nothing_of_it
    cp proofs dl/web.tar.gz.intoto.jsonl
    declare_source "archive: {url: \"file://$work/dl/web.tar.gz\", sha256: $sha256, strip: 1}"
    once
    expect_status 0
    serves 1
    # Another content under the same proof is none.
    echo 2 >src/VERSION
    tar -C src --exclude=.git -czf dl/other.tar.gz .
    cp proofs dl/other.tar.gz.intoto.jsonl
    declare_source "archive: {url: \"file://$work/dl/other.tar.gz\", sha256: $(sha256sum dl/other.tar.gz | cut -d' ' -f1)}"
    once
    expect_status 4
    expect_contains "$out$err" "it is for another tree"
    serves 1
}

# registry [HTPASSWD]: docker-registry on $port over http.
registry() {
    command -v docker-registry >/dev/null || skip "no docker-registry here"
    port=$(free_port)
    mkdir -p registry
    cat >registry.yml <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:$port"}
${1:-}
YAML
    start docker-registry serve registry.yml
    wait_for 20 curl -s "http://127.0.0.1:$port/v2/"
}

# push FILE TYPE: a blob; its descriptor in $descriptor.
push_blob() {
    local digest where
    digest=sha256:$(sha256sum "$1" | cut -d' ' -f1)
    where=$(curl -fsS "${as[@]}" -D- -o /dev/null -X POST "http://127.0.0.1:$port/v2/team/web/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    curl -fsS "${as[@]}" -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$1" "$where&digest=$digest"
    descriptor="{\"mediaType\":\"$2\",\"digest\":\"$digest\",\"size\":$(stat -c %s "$1")}"
}

# push_artifact DESCRIPTOR…: the manifest of these layers; its digest in $digest.
push_artifact() {
    local layers
    layers=$(printf ',%s' "$@")
    printf '{}' >config.json
    push_blob config.json application/vnd.oci.empty.v1+json
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
        "$descriptor" "${layers#,}" >manifest.json
    digest=sha256:$(sha256sum manifest.json | cut -d' ' -f1)
    curl -fsS "${as[@]}" -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
        --data-binary @manifest.json "http://127.0.0.1:$port/v2/team/web/manifests/$digest"
}

# two_layers VERSION: pushed as an artifact.
two_layers() {
    rm -rf one two
    mkdir -p one/lib two/lib
    echo 1 >one/VERSION
    echo old >one/lib/old
    echo "$1" >two/VERSION
    : >two/lib/.wh.old
    echo new >two/lib/new
    tar -C one -czf one.tgz .
    tar -C two --zstd -cf two.tzst .
    local first
    push_blob one.tgz application/vnd.oci.image.layer.v1.tar+gzip
    first=$descriptor
    push_blob two.tzst application/vnd.oci.image.layer.v1.tar+zstd
    push_artifact "$first" "$descriptor"
}

test_an_artifact_comes_from_a_registry_by_its_digest_layer_over_layer() {
    registry
    as=()
    two_layers 2
    protocols='file, http' world
    declare_source "oci: {ref: \"127.0.0.1:$port/team/web\", digest: \"$digest\"}"
    once
    expect_status 0
    serves 2
    expect_equal "$(ls srv/web/current/lib)" new
    # A manifest whose bytes are not those of the digest is not believed.
    declare_source "oci: {ref: \"127.0.0.1:$port/team/web\", digest: \"sha256:$(printf x | sha256sum | cut -d' ' -f1)\"}"
    once
    expect_status 1
    serves 2
    sed -i 's/attestations: off/attestations: required/' etc/tidegated.yaml
    ssh-keygen -q -t ed25519 -N '' -f ana
    printf 'ana@example.com %s\n' "$(cut -d' ' -f1,2 ana.pub)" >allowed_signers
    two_layers 3
    declare_source "oci: {ref: \"127.0.0.1:$port/team/web\", digest: \"$digest\"}"
    once
    expect_status 4
    expect_contains "$out$err" "carries no attestation"
    serves 2
}

test_a_registry_that_asks_for_a_password_gets_it_and_nobody_else() {
    local hash
    hash=$(python3 -c 'import crypt; print(crypt.crypt("geheim-42", crypt.mksalt(crypt.METHOD_BLOWFISH)))' 2>/dev/null) ||
        skip "no bcrypt in this Python"
    printf 'deploy:%s\n' "${hash/\$2b\$/\$2y\$}" >users
    registry "auth: {htpasswd: {realm: test, path: $work/users}}"
    as=(-u deploy:geheim-42)
    two_layers 2
    printf 'geheim-42\n' >etc-token
    chmod 600 etc-token
    protocols='file, http' world
    declare_source "oci: {ref: \"127.0.0.1:$port/team/web\", digest: \"$digest\"}"
    once
    expect_status 1
    nothing_of_it
    echo "credentials: [{match: \"http://127.0.0.1:$port/team\", token: {file: $work/etc-token, user: deploy}}]" >>etc/tidegated.yaml
    declare_source "oci: {ref: \"127.0.0.1:$port/team/web\", digest: \"$digest\"}"
    once
    expect_status 0
    serves 2
    expect_lacks "$out$err" geheim
}

# Whether the daemon looked since: its access to the branch is in nginx's log.
looked() { [ "$(grep -c 'POST /open/deploy.git/git-upload-pack' nginx/access.log)" -gt "$1" ]; }

test_a_tick_with_nothing_new_is_one_request_over_a_kept_connection_and_no_process() {
    needs_http_backend
    https_server
    app_repo
    protocols='file, https' world "credentials: [{match: \"https://localhost:$port/\", ca: $work/ca.pem}]"
    sed -i "s|^manifests: .*|manifests: {url: \"https://localhost:$port/open/deploy.git\", branch: deploy, interval: 1s}|" etc/tidegated.yaml
    declare_source "git: {url: \"file://$work/app.git\", commit: $commit}"
    start tidegated --config "$work/etc/tidegated.yaml"
    local daemon=$started before requests
    export TIDEGATE_SOCKET=$work/run/control.sock
    wait_for 60 test -f srv/web/current/VERSION
    wait_for 60 sh -c 'tidegatectl status | grep converged'
    before=$(grep -c . nginx/access.log)
    wait_for 60 looked "$before"
    # From here on: only the short question, and no git child of ours is ever seen by the server again.
    : >nginx/access.log
    wait_for 60 looked 1
    requests=$(grep -vc 'POST /open/deploy.git/git-upload-pack' nginx/access.log || true)
    expect_equal "$requests" 0
    # What is new is seen by the same way.
    echo 2 >app.work/VERSION
    git -C app.work commit -qam two
    git -C app.work push -q "$work/app.git" HEAD
    declare_source "git: {url: \"file://$work/app.git\", commit: $(git -C app.work rev-parse HEAD)}"
    wait_for 60 grep -qx 2 srv/web/current/VERSION
    # git itself begins by asking for the refs: the branch was brought without it.
    expect_lacks "$(cat nginx/access.log)" "info/refs"
    kill "$daemon"
}

# in_file_system TYPE: plays the_clones in a mount namespace of its own, on a fresh file system in a file.
in_file_system() {
    command -v "mkfs.$1" >/dev/null || return 0
    truncate -s 400M "disk.$1"
    case $1 in
        xfs) mkfs.xfs -q -m reflink=1 disk.xfs ;;
        btrfs) mkfs.btrfs -q disk.btrfs >/dev/null ;;
    esac
    unshare --mount "$BASH" -euc "mkdir -p srv; mount -o loop disk.$1 srv || exit 77; exec \"\$@\"" - \
        env TURN="$1" "$BASH" -euo pipefail -c "$(declare -f the_clones fail expect_equal once run declare_source); work=$work; the_clones" && tried=1 ||
        [ $? = 77 ]
}

the_clones() {
    local used
    once
    [ "$status" = 0 ] || fail "first on $TURN: $out$err"
    sync -f srv
    used=$(df --output=used -k srv | tail -1)
    echo "2 $TURN" >app.work/VERSION
    git -C app.work commit -qam "two on $TURN"
    git -C app.work push -q "$work/app.git" HEAD
    declare_source "git: {url: \"file://$work/app.git\", commit: $(git -C app.work rev-parse HEAD)}" "$(cat build)"
    once
    [ "$status" = 0 ] || fail "second on $TURN: $out$err"
    expect_equal "$(cat srv/web/current/VERSION)" "2 $TURN"
    cmp app.work/big srv/web/current/big
    sync -f srv
    [ $(($(df --output=used -k srv | tail -1) - used)) -lt 10000 ] || fail "the second release on $TURN is no clone"
}

test_unchanged_files_are_clones_where_the_file_system_can() {
    [ "$(id -u)" = 0 ] || skip "only root mounts"
    unshare --mount true 2>/dev/null || skip "no mounts of one's own can be made here"
    local tried='' kind
    app_repo
    head -c 30000000 /dev/urandom >app.work/big
    git -C app.work add -A
    git -C app.work commit -q -m big
    git -C app.work push -q "$work/app.git" HEAD
    for kind in xfs btrfs; do
        rm -rf state deploy deploy.git srv
        world
        echo 'user: nobody
build: [{run: "echo built >made"}]' >build
        [ $kind = xfs ] || : >build
        declare_source "git: {url: \"file://$work/app.git\", commit: $(git -C app.work rev-parse HEAD)}" "$(cat build)"
        in_file_system $kind
        git -C app.work reset -q --hard HEAD
    done
    [ -n "$tried" ] || skip "no file system with reflinks can be mounted here"
}

test_a_file_of_200_megabytes_is_fetched_and_staged_in_little_memory() {
    app_repo
    head -c 200000000 /dev/zero >app.work/big
    git -C app.work add -A
    git -C app.work commit -q -m big
    git -C app.work push -q "$work/app.git" HEAD
    git -C app.git config core.bigFileThreshold 1m # the server is of this test, too
    world
    declare_source "git: {url: \"file://$work/app.git\", commit: $(git -C app.work rev-parse HEAD)}"
    run python3 -c 'import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)' tidegated --once --config "$work/etc/tidegated.yaml"
    expect_status 0
    cmp app.work/big srv/web/current/big
    case $TIDEGATE_BIN in *asan* | *tsan*) return 0 ;; esac
    [ "$(printf '%s\n' "$out" | sed -n 's/^peak //p')" -lt 120000 ] || fail "$out"
}

# Whether the process $1 starts none for some seconds.
starts_nothing() {
    rm -f calls
    timeout 4 strace -f -qq -e trace=execve -o calls -p "$1" || true
    [ -e calls ] && ! grep -q execve calls
}

# The daemon looks at the manifests branch by $1 each second, starts no process for it, and sees what is pushed.
looks_without_processes() {
    command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null || skip "nothing may be traced here"
    world "$2"
    sed -i "s|^manifests: .*|manifests: {url: \"$1\", branch: deploy, interval: 1s}|" etc/tidegated.yaml
    declare_source "git: {url: \"file://$work/app.git\", commit: $commit}"
    start tidegated --config "$work/etc/tidegated.yaml"
    daemon=$started
    wait_for 60 grep -qx 1 srv/web/current/VERSION
    # The first looks find out how the server speaks.
    wait_for 60 starts_nothing "$daemon"
    echo 2 >app.work/VERSION
    git -C app.work commit -qam two
    git -C app.work push -q "$work/app.git" HEAD
    declare_source "git: {url: \"file://$work/app.git\", commit: $(git -C app.work rev-parse HEAD)}"
    wait_for 60 grep -qx 2 srv/web/current/VERSION
}

test_a_daemon_looks_over_the_git_protocol_without_a_process() {
    [ -x /usr/lib/git-core/git-daemon ] || skip "no git daemon here"
    app_repo
    port=$(free_port)
    start git daemon --reuseaddr --listen=127.0.0.1 --port="$port" --export-all --base-path="$work"
    wait_for 20 git ls-remote "git://127.0.0.1:$port/app.git"
    protocols='file, git' looks_without_processes "git://127.0.0.1:$port/deploy.git" ""
}

the_tight_disk() {
    mount -t tmpfs -o size=120m tmpfs srv
    once
    [ "$status" != 0 ] || fail "it was deployed"
    expect_contains "$out$err" "to spare; 120 MiB are free"
    expect_equal "$(find srv/web/releases -mindepth 1)" ""
    expect_equal "$(find state/sources/apps/web/store.git -name '*.pack' -o -name 'tmp_*')" ""
    # With more room it goes in, by itself and without being brought again.
    rm dl/zeros.tar.zst
    mount -o remount,size=300m srv
    declare_source "$zeros"
    once
    [ "$status" = 0 ] || fail "with room: $out$err"
    cmp big srv/web/current/big
}

test_an_archive_that_the_disk_cannot_hold_is_refused_before_it_is_unpacked() {
    [ "$(id -u)" = 0 ] || skip "only root mounts"
    unshare --mount true 2>/dev/null || skip "no mounts of one's own can be made here"
    world
    mkdir -p dl
    head -c 100000000 /dev/zero >big
    tar -cf dl/zeros.tar big
    zstd -q --rm dl/zeros.tar
    local zeros
    zeros="archive: {url: \"file://$work/dl/zeros.tar.zst\", sha256: $(sha256sum dl/zeros.tar.zst | cut -d' ' -f1)}"
    declare_source "$zeros"
    zeros=$zeros turn=$turn work=$work unshare --mount "$BASH" -euo pipefail -c \
        "$(declare -f the_tight_disk fail expect_equal expect_contains once run declare_source); the_tight_disk"
}
