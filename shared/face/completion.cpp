#include "shared/face/completion.hpp"

#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::shared {

namespace {

// Characters that no shell does anything with inside of a word.
constexpr std::string_view kHarmless =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+@=,%^";

constexpr std::string_view kBash = R"(# bash completion for PROGRAM
_PROGRAM() {
    local line current=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    [ "$current" = "=" ] && current=
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null ;;
            :folders) compopt -o dirnames 2>/dev/null ;;
            *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <(PROGRAM completion words -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)
    # A colon parts words for readline: what stands before it is on the line already.
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
    fi
}
complete -F _PROGRAM PROGRAM
)";

constexpr std::string_view kZsh = R"(#compdef PROGRAM
# zsh completion for PROGRAM
_PROGRAM() {
    local line
    local -a answers
    for line in "${(@f)$(PROGRAM completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
            '') ;;
            :files) _files ;;
            :folders) _files -/ ;;
            *) answers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( $#answers )) && _describe -t words PROGRAM answers
}
if [ "$funcstack[1]" = "_PROGRAM" ]; then _PROGRAM "$@"; else compdef _PROGRAM PROGRAM; fi
)";

constexpr std::string_view kFish = R"(# fish completion for PROGRAM
function __PROGRAM_words
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in (PROGRAM completion words -- $before[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c PROGRAM -f -a '(__PROGRAM_words)'
)";

}  // namespace

std::optional<std::string> completion_script(std::string_view shell, std::string_view program) {
    std::string text(shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : "");
    if (text.empty()) return std::nullopt;
    constexpr std::string_view kName = "PROGRAM";
    for (auto at = text.find(kName); at != std::string::npos; at = text.find(kName, at + program.size()))
        text.replace(at, kName.size(), program);
    return text;
}

std::string completion_lines(const Completions& completions, std::string_view begun) {
    std::string lines;
    for (const auto& [text, about] : completions.words) {
        const bool harmless = !text.empty() && text.find_first_not_of(kHarmless) == std::string::npos;
        if (harmless && text.starts_with(begun)) lines += text + "\t" + escape_foreign(about) + "\n";
    }
    if (completions.files) lines += ":files\n";
    if (completions.folders) lines += ":folders\n";
    return lines;
}

}  // namespace tidegate::shared
