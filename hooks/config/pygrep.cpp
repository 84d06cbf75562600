#include "hooks/config/pre_commit.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

namespace {

// What a pygrep hook is: a line of the regular expression that runs for each file.
constexpr std::string_view kPygrep =
    "import re,sys\n"
    "f=sys.argv[1];e=re.compile(sys.argv[2].encode(),(re.I if 'i' in f else 0)|(re.M|re.S if 'm' in f else "
    "0))\n"
    "bad=0\n"
    "for n in sys.argv[3:]:\n"
    " d=open(n,'rb').read()\n"
    " if 'n' in f:\n"
    "  if not (e.search(d) if 'm' in f else any(map(e.search,d.splitlines(True)))): bad=1;print(n)\n"
    " elif 'm' in f:\n"
    "  m=e.search(d)\n"
    "  if m: bad=1;print(n+':'+str(d[:m.start()].count(b'\\n')+1)+':'+m[0].decode(errors='replace'))\n"
    " else:\n"
    "  for i,l in enumerate(d.splitlines(True),1):\n"
    "   if e.search(l): bad=1;print(n+':'+str(i)+':'+l.decode(errors='replace').rstrip())\n"
    "sys.exit(bad)\n";

}  // namespace

Result<std::vector<std::string>> pygrep_command(const std::string& entry,
                                                const std::vector<std::string>& args) {
    std::string flags = "-";
    for (const auto& arg : args) {
        if (arg == "-i" || arg == "--ignore-case")
            flags += 'i';
        else if (arg == "--multiline")
            flags += 'm';
        else if (arg == "--negate")
            flags += 'n';
        else
            return fail(ErrorKind::Unsupported, "pygrep knows no `" + escape_foreign(arg) + "`");
    }
    return std::vector<std::string>{"python3", "-c", std::string(kPygrep), flags, entry};
}

}  // namespace tidegate::hooks
