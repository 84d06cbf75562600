# Health checks against real services.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

test_a_certificate_that_ends_too_soon_fails_its_check() {
    world
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -days 5 -keyout key.pem -out cert.pem 2>/dev/null
    cat >tls.py <<'PY'
import http.server, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
PY
    secure=$(free_port)
    start python3 tls.py "$secure"
    wait_for 20 curl -sk "https://127.0.0.1:$secure/"
    release 1 1 1
    declare_release 1 "keep: 2"
    certificate() {
        printf '  - {http: {url: "https://127.0.0.1:%s/", ca: %s, tls: %s}, for: 2s}\n' "$secure" "$work/cert.pem" "$1" \
            >>deploy/production/web.yaml
        git -C deploy commit -q -S -am "the certificate must last $1"
        git -C deploy push -q "$work/deploy.git" HEAD:deploy
    }
    certificate 4d
    once
    adopt_service
    expect_status 0
    release 2 1 1
    declare_release 2 "keep: 2"
    certificate 10d
    once
    adopt_service
    expect_status 1
    expect_contains "$err" "with a certificate that ends"
    expect_contains "$err" "reverted"
    serves 1
}

test_a_host_that_was_unhealthy_before_is_not_blamed_on_the_release() {
    world
    touch "$work/appstate/well"
    release 1 1 1
    local probes="keep: 2"
    probe_the_host() {
        printf '  - {run: "test -e %s", for: 500ms}\n' "$work/appstate/well" >>deploy/production/web.yaml
        git -C deploy commit -q -S -am "probe $1"
        git -C deploy push -q "$work/deploy.git" HEAD:deploy
    }
    declare_release 1 "$probes"
    probe_the_host 1
    once
    adopt_service
    expect_status 0
    rm "$work/appstate/well"
    release 2 1 1
    declare_release 2 "$probes"
    probe_the_host 2
    once
    adopt_service
    expect_status 1
    expect_contains "$err" "before the deployment it was unhealthy already"
    # The way back leads to what was there before: that is no broken app.
    expect_contains "$err" "outcome=reverted"
    expect_lacks "$err" "outcome=broken"
    serves 1
}
