// The types of files, by extension, by name and by interpreter: what hooks ask for, named as `identify` names it.
#include "hooks/config/match.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidegate::hooks {

using namespace shared;

namespace {

struct Row {
    std::string_view names;  // by blanks
    std::string_view types;
};

constexpr std::array kExtensions{
    Row{"py pyw", "text python"},
    Row{"pyi", "text pyi"},
    Row{"pyx pxd", "text cython"},
    Row{"ipynb", "text jupyter json"},
    Row{"js cjs mjs", "text javascript"},
    Row{"jsx", "text jsx"},
    Row{"ts mts cts", "text ts"},
    Row{"tsx", "text tsx"},
    Row{"vue", "text vue"},
    Row{"svelte", "text svelte"},
    Row{"json webmanifest", "text json"},
    Row{"json5", "text json5"},
    Row{"yaml yml", "text yaml"},
    Row{"toml", "text toml"},
    Row{"xml xsd xsl xslt xhtml", "text xml"},
    Row{"html htm", "text html"},
    Row{"css", "text css"},
    Row{"scss", "text scss"},
    Row{"sass", "text sass"},
    Row{"less", "text less"},
    Row{"md markdown", "text markdown"},
    Row{"mdx", "text mdx"},
    Row{"rst", "text rst"},
    Row{"adoc asciidoc", "text asciidoc"},
    Row{"txt", "text plain-text"},
    Row{"csv", "text csv"},
    Row{"ini cfg", "text ini"},
    Row{"properties", "text java-properties"},
    Row{"sh", "text shell sh"},
    Row{"bash", "text shell bash"},
    Row{"zsh", "text shell zsh"},
    Row{"fish", "text fish"},
    Row{"bats", "text shell bats bash"},
    Row{"ps1", "text powershell"},
    Row{"bat cmd", "text batch"},
    Row{"c", "text c"},
    Row{"h", "text header c c++"},
    Row{"cc cpp cxx c++ C", "text c++"},
    Row{"hh hpp hxx", "text header c++"},
    Row{"cu cuh", "text cuda"},
    Row{"m", "text objective-c"},
    Row{"mm", "text c++ objective-c++"},
    Row{"cs", "text c#"},
    Row{"rs", "text rust"},
    Row{"go", "text go"},
    Row{"mod", "text go-mod"},
    Row{"java", "text java"},
    Row{"kt kts", "text kotlin"},
    Row{"scala sc", "text scala"},
    Row{"groovy", "text groovy"},
    Row{"gradle", "text groovy"},
    Row{"swift", "text swift"},
    Row{"dart", "text dart"},
    Row{"rb", "text ruby"},
    Row{"php", "text php"},
    Row{"pl pm", "text perl"},
    Row{"lua", "text lua"},
    Row{"r R", "text r"},
    Row{"jl", "text julia"},
    Row{"hs", "text haskell"},
    Row{"ex exs", "text elixir"},
    Row{"erl", "text erlang"},
    Row{"clj cljs cljc", "text clojure"},
    Row{"nix", "text nix"},
    Row{"zig", "text zig"},
    Row{"sql", "text sql"},
    Row{"proto", "text proto"},
    Row{"graphql gql", "text graphql"},
    Row{"tf tfvars", "text terraform"},
    Row{"hcl", "text hcl"},
    Row{"tex", "text tex"},
    Row{"bib", "text bib"},
    Row{"jinja jinja2 j2", "text jinja"},
    Row{"cmake", "text cmake"},
    Row{"mk", "text makefile"},
    Row{"bzl bazel", "text bazel"},
    Row{"diff patch", "text diff"},
    Row{"svg", "text image svg xml"},
    Row{"png", "binary image png"},
    Row{"jpg jpeg", "binary image jpeg"},
    Row{"gif", "binary image gif"},
    Row{"ico", "binary icon"},
    Row{"webp", "binary image webp"},
    Row{"pdf", "binary pdf"},
    Row{"zip", "binary zip"},
    Row{"gz tgz", "binary gzip"},
    Row{"bz2", "binary bzip2"},
    Row{"tar", "binary tar"},
    Row{"jar", "binary zip jar"},
    Row{"woff", "binary woff"},
    Row{"woff2", "binary woff2"},
    Row{"ttf", "binary ttf"},
};

constexpr std::array kNames{
    Row{"Dockerfile Containerfile", "text dockerfile"},
    Row{"Makefile makefile GNUmakefile", "text makefile"},
    Row{"CMakeLists.txt", "text cmake"},
    Row{"Gemfile Rakefile Vagrantfile", "text ruby"},
    Row{"Pipfile poetry.lock uv.lock Cargo.lock", "text toml"},
    Row{"Pipfile.lock composer.lock .babelrc .prettierrc .eslintrc", "text json"},
    Row{"Jenkinsfile", "text groovy"},
    Row{"go.mod", "text go-mod"},
    Row{"go.sum", "text go-sum"},
    Row{"BUILD WORKSPACE", "text bazel"},
    Row{".bashrc .bash_profile", "text shell bash"},
    Row{".zshrc", "text shell zsh"},
    Row{".gitignore", "text gitignore"},
    Row{".gitattributes", "text gitattributes"},
    Row{".dockerignore", "text dockerignore"},
    Row{".editorconfig", "text editorconfig"},
    Row{"setup.cfg .flake8 .gitconfig", "text ini"},
    Row{"LICENSE README CHANGELOG COPYING NEWS AUTHORS", "text plain-text"},
};

constexpr std::array kInterpreters{
    Row{"python python2 python3", "python"},
    Row{"sh", "shell sh"},
    Row{"ash dash ksh", "shell"},
    Row{"bash", "shell bash"},
    Row{"zsh", "shell zsh"},
    Row{"bats", "shell bats bash"},
    Row{"node nodejs", "javascript"},
    Row{"ruby", "ruby"},
    Row{"perl", "perl"},
    Row{"php", "php"},
    Row{"lua", "lua"},
    Row{"Rscript", "r"},
    Row{"fish", "fish"},
    Row{"make", "makefile"},
};

bool lists(std::string_view words, std::string_view word) {
    const auto all = split(words, ' ');
    return std::find(all.begin(), all.end(), word) != all.end();
}

template <size_t N>
std::string_view types_in(const std::array<Row, N>& table, std::string_view name) {
    for (const auto& row : table)
        if (lists(row.names, name)) return row.types;
    return {};
}

// "#!/usr/bin/env -S python3 -u" → python3; a version is taken off where only that makes it known.
std::string_view interpreter_of(std::string_view content) {
    if (!content.starts_with("#!")) return {};
    const auto line = content.substr(2, content.find('\n') - 2);
    std::vector<std::string_view> words;
    for (const auto word : split(line, ' '))
        if (!trim(word).empty()) words.push_back(trim(word));
    size_t at = 0;
    if (!words.empty() && words[0].ends_with("/env")) {
        ++at;
        while (at < words.size() && words[at].starts_with('-')) ++at;
    }
    if (at >= words.size()) return {};
    auto name = words[at].substr(words[at].rfind('/') + 1);
    while (types_in(kInterpreters, name).empty() && !name.empty() &&
           std::string_view("0123456789.").find(name.back()) != std::string_view::npos)
        name.remove_suffix(1);
    return name;
}

}  // namespace

std::vector<std::string_view> types_by_name(std::string_view path) {
    const auto name = path.substr(path.rfind('/') + 1);
    auto types = types_in(kNames, name);
    if (types.empty() && name.find('.') != std::string_view::npos) {
        const auto first = name.substr(0, name.find('.'));  // Dockerfile.dev
        if (first == "Dockerfile" || first == "Makefile") types = types_in(kNames, first);
    }
    const auto dot = name.rfind('.');
    if (types.empty() && dot != std::string_view::npos && dot > 0)
        types = types_in(kExtensions, name.substr(dot + 1));
    return types.empty() ? std::vector<std::string_view>{} : split(types, ' ');
}

std::vector<std::string_view> types_by_content(bool executable, std::string_view content) {
    if (content.substr(0, 1024).find('\0') != std::string_view::npos) return {"binary"};
    std::vector<std::string_view> types{"text"};
    if (!executable) return types;
    const auto known = types_in(kInterpreters, interpreter_of(content));
    if (!known.empty())
        for (const auto type : split(known, ' ')) types.push_back(type);
    return types;
}

bool is_type(std::string_view name) {
    if (name == "file" || name == "executable" || name == "non-executable") return true;
    const auto in = [&](const auto& table) {
        return std::any_of(table.begin(), table.end(),
                           [&](const Row& row) { return lists(row.types, name); });
    };
    return in(kExtensions) || in(kNames) || in(kInterpreters);
}

}  // namespace tidegate::hooks
