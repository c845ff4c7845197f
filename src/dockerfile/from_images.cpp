#include "dockerfile/from_images.hpp"

#include <algorithm>
#include <cctype>

#include "base/strings.hpp"

namespace envbuild::dockerfile {

namespace {

std::string upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return out;
}

// The words of a line, with where they begin.
std::vector<std::pair<std::size_t, std::string>> words_of(std::string_view line) {
    std::vector<std::pair<std::size_t, std::string>> words;
    std::size_t at = 0;
    while ((at = line.find_first_not_of(" \t\r", at)) != std::string_view::npos) {
        const auto end = std::min(line.find_first_of(" \t\r", at), line.size());
        words.emplace_back(at, line.substr(at, end - at));
        at = end;
    }
    return words;
}

// "<<EOF", "<<-'EOF'": the words that end the heredocs which this line begins.
std::vector<std::string> heredocs_of(std::string_view line) {
    std::vector<std::string> ends;
    for (auto at = line.find("<<"); at != std::string_view::npos; at = line.find("<<", at)) {
        // A word of its own, with a file descriptor before it at most: "$((1<<3))" is none.
        auto before = at;
        while (before > 0 && std::isdigit(static_cast<unsigned char>(line[before - 1])) != 0) --before;
        at += 2;
        if (before > 0 && line[before - 1] != ' ' && line[before - 1] != '\t') continue;
        if (at < line.size() && line[at] == '-') ++at;
        const char quote = at < line.size() && (line[at] == '"' || line[at] == '\'') ? line[at++] : '\0';
        std::string word;
        while (at < line.size() && (std::isalnum(static_cast<unsigned char>(line[at])) != 0 || line[at] == '_'))
            word += line[at++];
        if (quote != '\0' && at < line.size() && line[at] == quote) ++at;
        if (!word.empty()) ends.push_back(std::move(word));
    }
    return ends;
}

// "# escape=`" among the directives at the top.
char escape_of(std::string_view dockerfile) {
    for (const auto line : split(dockerfile, '\n')) {
        const auto text = trim(line);
        if (!text.starts_with('#')) break;
        const auto directive = upper(replace_all(std::string(text.substr(1)), " ", ""));
        if (directive.starts_with("ESCAPE=`")) return '`';
        if (directive.find('=') == std::string::npos) break;
    }
    return '\\';
}

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text), escape_(escape_of(text)) {}

    std::vector<FromImage> scan() {
        std::size_t begin = 0;
        while (begin < text_.size()) {
            const auto end = std::min(text_.find('\n', begin), text_.size());
            line(begin, text_.substr(begin, end - begin));
            begin = end + 1;
        }
        return std::move(found_);
    }

  private:
    void line(std::size_t begin, std::string_view line) {
        if (!heredocs_.empty()) {
            if (trim(line) == heredocs_.front()) heredocs_.erase(heredocs_.begin());
            return;
        }
        const auto text = trim(line);
        if (text.starts_with('#') || text.empty()) return;
        const bool goes_on = continued_;
        continued_ = text.ends_with(escape_);
        const auto words = words_of(line);
        const auto instruction = upper(words.front().second);
        if (!goes_on) instruction_ = instruction;
        if (instruction_ == "RUN" || instruction_ == "COPY" || instruction_ == "ADD") heredocs_ = heredocs_of(line);
        if (!goes_on && instruction == "FROM") from(begin, words);
    }

    void from(std::size_t begin, const std::vector<std::pair<std::size_t, std::string>>& words) {
        std::size_t at = 1;
        bool other_platform = false;  // that is the engine's to choose
        for (; at < words.size() && words[at].second.starts_with("--"); ++at)
            other_platform = other_platform || words[at].second.starts_with("--platform=");
        if (at >= words.size()) return;
        const auto& [offset, reference] = words[at];
        const bool stage = std::ranges::find(stages_, upper(reference)) != stages_.end();
        if (at + 2 < words.size() && upper(words[at + 1].second) == "AS")
            stages_.push_back(upper(words[at + 2].second));
        if (stage || other_platform || reference == "scratch" ||
            reference.find_first_of("$\\`\"'") != std::string::npos)
            return;
        found_.push_back({begin + offset, reference.size(), reference});
    }

    std::string_view text_;
    char escape_;
    bool continued_ = false;
    std::string instruction_;
    std::vector<std::string> heredocs_, stages_;
    std::vector<FromImage> found_;
};

}  // namespace

std::vector<FromImage> from_images(std::string_view dockerfile) {
    return Scanner(dockerfile).scan();
}

}  // namespace envbuild::dockerfile
