"""git servers on loopback: https (nginx and git's http-backend), git://, ssh. Each gives a branch's URL by a path."""

import os
import pwd
import shutil
from pathlib import Path

from machine import free_port, wait_until


class Server:
    url = ""  # with {path}
    protocol = ""
    credentials = ""  # a line of the host's configuration


def listens(bench, argv):
    def asked():
        try:
            bench.run(argv)
            return True
        except RuntimeError:
            return False
    return asked


def git_daemon(bench, folder):
    port = free_port()
    bench.start(["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all",
                 f"--base-path={bench.folder}"])
    server = Server()
    server.protocol, server.url = "git", f"git://127.0.0.1:{port}{{path}}"
    return server


def sshd(bench, folder):
    port = free_port()
    for name in ("host_key", "client"):
        bench.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
    shutil.copy(folder / "client.pub", folder / "authorized_keys")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"StrictModes no\nUsePAM no\nPidFile {folder}/sshd.pid\nPasswordAuthentication no\nPermitRootLogin yes\n"
        "AcceptEnv GIT_PROTOCOL\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    bench.start(["/usr/sbin/sshd", "-D", "-e", "-f", folder / "sshd_config"])
    key = " ".join((folder / "host_key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}\n")
    wait_until("sshd", listens(bench, ["ssh-keyscan", "-p", port, "127.0.0.1"]))
    user = pwd.getpwuid(os.geteuid()).pw_name
    server = Server()
    server.protocol, server.url = "ssh", f"ssh://{user}@127.0.0.1:{port}{bench.folder}{{path}}"
    server.credentials = (f"credentials: [{{match: \"ssh://\", ssh_key: {folder}/client, "
                          f"known_hosts: {folder}/known_hosts}}]\n")
    return server


NGINX = """pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {server}
}}
"""

GIT = """server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/tls.pem; ssl_certificate_key {folder}/tls.key;
        location / {{
            fastcgi_pass unix:{folder}/fcgi.sock;
            fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
            fastcgi_param GIT_HTTP_EXPORT_ALL 1; fastcgi_param GIT_PROJECT_ROOT {top};
            fastcgi_param HOME {top}/home;
            fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type; fastcgi_param GIT_PROTOCOL $http_git_protocol;
            fastcgi_param PATH_INFO $uri;
        }}
    }}"""


def nginx(bench, folder, server):
    text = NGINX.format(folder=folder, server=server)
    (folder / "nginx.conf").write_text(("user root;\n" if os.geteuid() == 0 else "") + text)
    bench.start(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log", "-g", "daemon off;"])


def https(bench, folder):
    subject = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run = bench.run
    run(["openssl", "req", "-x509", *subject, "-days", "2", "-subj", "/CN=bench ca", "-keyout", "ca.key", "-out", "ca.pem"],
        folder)
    run(["openssl", "req", *subject, "-subj", "/CN=localhost", "-keyout", "tls.key", "-out", "tls.csr"], folder)
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    run(["openssl", "x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
         "-out", "tls.pem", "-extfile", "names"], folder)
    port = free_port()
    bench.start(["fcgiwrap", "-s", f"unix:{folder}/fcgi.sock"])
    wait_until("fcgiwrap", (folder / "fcgi.sock").exists)
    nginx(bench, folder, GIT.format(port=port, folder=folder, top=bench.folder))
    server = Server()
    server.protocol, server.url = "https", f"https://localhost:{port}{{path}}"
    server.credentials = f"credentials: [{{match: \"https://\", ca: {folder}/ca.pem}}]\n"
    return server


NEEDS = {"https": ["nginx", "fcgiwrap", "openssl"], "git": ["/usr/lib/git-core/git-daemon"], "ssh": ["/usr/sbin/sshd"]}
MAKE = {"https": https, "git": git_daemon, "ssh": sshd}


def serve(bench, protocol):
    """The server, or None where what it needs is not here."""
    if protocol in bench.servers:
        return bench.servers[protocol]
    for tool in NEEDS[protocol]:
        if shutil.which(tool) is None:
            bench.skip(f"{protocol} servers", f"no {tool} here")
            return None
    folder = bench.folder / f"server-{protocol}"
    folder.mkdir()
    bench.servers[protocol] = MAKE[protocol](bench, folder)
    return bench.servers[protocol]
