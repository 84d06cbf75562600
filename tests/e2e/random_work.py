"""Random work in a repository, with a hook that gates it: what the gate sees is the index's tree, and nobody's files
are touched. Run in an empty folder as: random_work.py plain|fixing HOOK SEED STEPS. The gate writes what it sees to
$RECORD/seen; see CONFIG."""
import hashlib
import os
import random
import re
import stat
import subprocess
import sys

mode, hook, seed, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rng = random.Random(seed)
record = os.environ["RECORD"]
SEEN = record + "/seen"
SEE = (
    r"find . -path ./.git -prune -o -type f -printf '%m %P\\0' -o -type l -printf 'link %P\\0' >\"$RECORD/names\";"
    r" find . -path ./.git -prune -o -type f -print0 | xargs -0r sha256sum -z >\"$RECORD/seen\";"
    r" find . -path ./.git -prune -o -type l -printf '%l  %p\\0' >>\"$RECORD/seen\""
)
FORMAT = "      - {name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}', files: ['*.t']}\n"
CONFIG = (
    "version: 1\ndefaults: {pass_env: [RECORD]}\nstages:\n  pre-commit:\n    gates:\n"
    + (FORMAT if mode == "fixing" else "")
    + '      - {name: see, run: "%s"}\n' % SEE
)
log = []


def git(*args, check=True, **more):
    done = subprocess.run(["git", *args], capture_output=True, **more)
    if check and done.returncode != 0:
        raise RuntimeError("git %s: %s" % (args, done.stderr.decode()))
    return done


def fail(what):
    print("seed %d, step %d: %s\nlast steps:\n  %s" % (seed, len(log), what, "\n  ".join(log[-12:])))
    sys.exit(1)


blobs = None
content = {}


def blob(oid):
    global blobs
    if oid not in content:
        if blobs is None:
            blobs = subprocess.Popen(["git", "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        blobs.stdin.write(oid + b"\n")
        blobs.stdin.flush()
        header = blobs.stdout.readline().split()
        if header[-1] == b"missing":
            fail("the object %s is missing" % oid)
        content[oid] = blobs.stdout.read(int(header[2]))
        blobs.stdout.read(1)
    return content[oid]


def entries(text):
    """path → (mode, oid), of `ls-files -s -z` or `ls-tree -r -z`; submodules left out."""
    found = {}
    for line in text.split(b"\0"):
        if line:
            head, path = line.split(b"\t", 1)
            words = head.split(b" ")
            found[path] = (words[0], words[2] if len(words[1]) == 4 else words[1])
    return found


def index():
    return entries(git("ls-files", "-s", "-z").stdout)


def tree(name):
    return entries(git("ls-tree", "-r", "-z", name).stdout)


def expected(listing):
    """What the gate should have written for these entries."""
    lines = set()
    for path, (kind, oid) in listing.items():
        data = blob(oid)
        if kind == b"120000":
            lines.add((b"link", data, path))
        else:
            lines.add((b"755" if kind == b"100755" else b"644", hashlib.sha256(data).hexdigest().encode(), path))
    return lines


def seen():
    modes = {}
    for line in open(record + "/names", "rb").read().split(b"\0"):
        if line:
            kind, path = line.split(b" ", 1)
            modes[path] = kind
    lines = set()
    for line in open(SEEN, "rb").read().split(b"\0"):
        if line:
            value, path = line.split(b"  ./", 1)
            lines.add((modes[path], value, path))
    return lines


def files(bytes_only=False):
    """Everything of the working tree, its times and inodes included."""
    found = {}
    for folder, names, here in os.walk(b"."):
        if folder == b".":
            names.remove(b".git")
        for name in here + [n for n in names if os.path.islink(folder + b"/" + n)]:
            path = folder + b"/" + name
            info = os.lstat(path)
            data = os.readlink(path) if stat.S_ISLNK(info.st_mode) else open(path, "rb").read()
            found[path] = (data, info.st_mode) if bytes_only else \
                (data, info.st_mode, info.st_ino, info.st_mtime_ns, info.st_ctime_ns)
    return found


def index_as_it_is():
    info = os.lstat(".git/index")
    return open(".git/index", "rb").read(), info.st_ino, info.st_mtime_ns, info.st_ctime_ns


known_trees = set()


def judge(listing, what):
    """The gate ran and saw these entries, or had passed on them before."""
    key = tuple(sorted(listing.items()))
    if os.path.exists(SEEN):
        got, want = seen(), expected(listing)
        if got != want:
            fail("%s: the gate saw %s, not %s" % (what, sorted(got - want)[:5], sorted(want - got)[:5]))
        os.remove(SEEN)
    elif key not in known_trees:
        fail(what + ": no gate ran")
    known_trees.add(key)


def fresh(path):
    return rng.choice([b"", b"d/", b"d/e/", b"sp ace/"]) + path


def all_files():
    return [p[2:] for p in files(bytes_only=True) if not p.endswith(b".tidegate.yaml")]


def some():
    there = [p for p in all_files() if not os.path.islink(p)]
    return rng.choice(there) if there else None


def text_line():
    bad = b" BAD" if mode == "fixing" and rng.random() < 0.3 else b""
    return b"L%d%s\n" % (rng.randrange(10**9), bad)


def make_room(path):
    folder = os.path.dirname(path)
    while folder and not os.path.isdir(folder):
        if os.path.lexists(folder):
            return False
        folder = os.path.dirname(folder)
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    return not os.path.isdir(path) or os.path.islink(path)


def create():
    path = fresh(b"f%d.t" % rng.randrange(12) if rng.random() < 0.9 else b"\xff'$(x)\n%d.t" % rng.randrange(3))
    if make_room(path) and not os.path.islink(path):
        open(path, "wb").write(b"".join(text_line() for _ in range(rng.randrange(0, 20))))


def edit():
    path = some()
    if path:
        lines = open(path, "rb").read().splitlines(True)
        for _ in range(rng.randrange(1, 3)):
            at = rng.randrange(len(lines) + 1)
            lines[at:at + rng.randrange(2)] = [text_line()]
        open(path, "wb").write(b"".join(lines))


def stage():
    path = some()
    if path:
        git("add", "--", path)


def stage_intent():
    path = some()
    if path:
        git("add", "-N", "--", path)


def stage_part():
    path = some()
    if not path:
        return
    patch = git("diff", "-U0", "--", path).stdout
    hunks = re.split(rb"(?m)^(?=@@ )", patch)
    if len(hunks) > 1:
        one = hunks[0] + rng.choice(hunks[1:])
        git("apply", "--cached", "--unidiff-zero", "-", check=False, input=one)


def rename():
    path, to = some(), fresh(b"r%d.t" % rng.randrange(9))
    if path and make_room(to) and not os.path.lexists(to):
        if git("mv", "--", path, to, check=False).returncode != 0:
            os.rename(path, to)


def delete():
    path = some()
    if path and (rng.random() < 0.5 or git("rm", "-qf", "--", path, check=False).returncode != 0):
        os.remove(path)


def change_mode():
    path = some()
    if path:
        os.chmod(path, rng.choice([0o644, 0o755]))


def link():
    path = fresh(b"l%d" % rng.randrange(4))
    if make_room(path):
        if os.path.lexists(path):
            os.remove(path)
        os.symlink(rng.choice([b"nowhere", b"f1.t", b"/etc/passwd", b"d"]), path)


def unmerged():
    return git("ls-files", "-u").stdout != b""


def look():
    """The hook by itself: to the last byte and time nothing is touched."""
    before, index_before, listing = files(), index_as_it_is(), index()
    if os.path.exists(SEEN):
        os.remove(SEEN)
    done = subprocess.run([hook, "pre-commit"], capture_output=True, stdin=subprocess.DEVNULL)
    if mode == "plain" or done.returncode != 0:
        if files() != before:
            fail("a file was touched")
        if index_as_it_is() != index_before:
            fail("the index was touched")
    if mode == "fixing":
        return
    if unmerged():
        if done.returncode == 0:
            fail("an index with conflicts passed")
        return
    if done.returncode != 0:
        fail("the hook failed: " + done.stderr.decode(errors="replace"))
    held = {p: e for p, e in listing.items() if p not in intended()}
    judge(held, "hook")


def intended():
    """What is only meant to be added (`git add -N`), by its flag: the file itself may be gone already."""
    shown = git("ls-files", "-z", "--debug").stdout
    return {path for path, flags in re.findall(rb"([^\0]*)\0  ctime: [^\0]*?\tflags: ([0-9a-f]+)\n", shown)
            if int(flags, 16) & 0x20000000}


def settle():
    """Ends a merge that has conflicts."""
    if unmerged():
        git("add", "-A")


def mended(found):
    """Files as they are when what a fix does is left out."""
    return {p: (re.sub(rb"BAD", b"good", v[0]), v[1]) for p, v in found.items()}


def commit():
    settle()
    kind = rng.choice(["as it is", "-a", "path", "amend"])
    path = None
    if kind == "path":
        tracked = [p for p in index() if os.path.lexists(p)]
        path = rng.choice(tracked) if tracked else None
    args = {"-a": ["-a"], "path": ["--", path] if path else [], "amend": ["--amend"]}.get(kind, [])
    before, before_bytes, head = files(), files(bytes_only=True), git("rev-parse", "HEAD").stdout
    listing = index()
    if os.path.exists(SEEN):
        os.remove(SEEN)
    done = git("commit", "-qm", "work", *args, check=False)
    after = git("rev-parse", "HEAD").stdout
    if after != head:
        if os.path.exists(SEEN) or mode == "plain":
            judge(tree("HEAD"), "commit " + kind)
    elif mode == "plain" and os.path.exists(SEEN):
        judge(tree("HEAD"), "commit of nothing new, " + kind)
    if mode == "plain":
        if files() != before:
            fail("a commit touched a file: " + kind)
        return
    if mended(files(bytes_only=True)) != mended(before_bytes):
        fail("a commit with fixes changed more than the fixes: " + kind)
    if after == head and b"nothing is left to commit" not in done.stderr:
        if files() != before or index() != listing:
            fail("a commit that was stopped touched something: " + done.stderr.decode(errors="replace"))
    if after != head:
        for change in git("diff-tree", "-r", "-z", "--name-only", "--diff-filter=AM", "--no-renames", "--no-commit-id",
                          head.strip(), after.strip()).stdout.split(b"\0"):
            if change.endswith(b".t") and kind != "amend":
                kind_of, oid = tree("HEAD")[change]
                if kind_of != b"120000" and b"BAD" in blob(oid):
                    fail("committed unfixed: %r" % change)


def switch():
    settle()
    name = "b%d" % rng.randrange(3)
    if git("checkout", "-q", name, check=False).returncode != 0:
        git("checkout", "-q", "-b", name, check=False)


def merge():
    if git("status", "--porcelain", "-uno").stdout == b"":
        if os.path.exists(SEEN):
            os.remove(SEEN)
        head = git("rev-parse", "HEAD").stdout
        git("merge", "-q", "--no-ff", "-m", "merge", "b%d" % rng.randrange(3), check=False)
        if git("rev-parse", "HEAD").stdout != head and (os.path.exists(SEEN) or mode == "plain"):
            judge(tree("HEAD"), "merge")


DEEDS = [(create, 10), (edit, 18), (stage, 14), (stage_intent, 2), (stage_part, 8), (rename, 4), (delete, 3), (change_mode, 4), (link, 3),
         (look, 10), (commit, 16), (switch, 4), (merge, 4)]

git("init", "-q", "-b", "b0", ".")
open(".tidegate.yaml", "w").write(CONFIG)
open("f0.t", "wb").write(b"".join(b"L%d\n" % i for i in range(20)))
git("add", "-A")
git("commit", "-qm", "first")
os.makedirs(".git/hooks", exist_ok=True)
for name in ("pre-commit", "pre-merge-commit"):
    os.symlink(hook, ".git/hooks/" + name)
for _ in range(steps):
    deed = rng.choices([d for d, _ in DEEDS], [w for _, w in DEEDS])[0]
    log.append(deed.__name__)
    deed()
print("%d steps, seed %d: %s" % (steps, seed, ", ".join(
    "%d %s" % (log.count(d.__name__), d.__name__) for d, _ in DEEDS)))
