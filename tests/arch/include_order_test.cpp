// Holds the sources to the design's include order: a folder includes only the folders on its line in
// src/CMakeLists.txt, and a third-party library's headers stay inside the folders that own it.
#include <catch2/catch.hpp>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace {

namespace fs = std::filesystem;

const fs::path kSource = fs::path(ENVBUILD_SOURCE_DIR) / "src";

std::string read(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

// folder -> the folders it may include, from the envbuild_library() lines; what those may include is not inherited.
std::map<std::string, std::set<std::string>> allowed_includes() {
    std::map<std::string, std::set<std::string>> allowed;
    const std::string text = read(kSource / "CMakeLists.txt");
    const std::regex line(R"(envbuild_library\((\w+)\s*(USES\s+([\w\s]+?))?(LIBRARIES[^)]*)?\))");
    for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it) {
        std::istringstream uses((*it)[3].str());
        auto& set = allowed[(*it)[1].str()];
        set.insert((*it)[1].str());
        for (std::string folder; uses >> folder;) set.insert(folder);
    }
    return allowed;
}

struct Include {
    fs::path file;
    std::string folder, target;
    bool quoted = false;
};

std::vector<Include> all_includes() {
    std::vector<Include> includes;
    const std::regex line("^#include ([\"<])([^\">]+)[\">]");
    for (const auto& entry : fs::recursive_directory_iterator(kSource)) {
        const auto extension = entry.path().extension();
        if (extension != ".hpp" && extension != ".cpp") continue;
        std::istringstream text(read(entry.path()));
        const std::string folder = fs::relative(entry.path(), kSource).begin()->string();
        for (std::string row; std::getline(text, row);) {
            std::smatch match;
            if (std::regex_search(row, match, line))
                includes.push_back({entry.path(), folder, match[2], match[1] == "\""});
        }
    }
    return includes;
}

}  // namespace

TEST_CASE("every include points down the order of folders") {
    const auto allowed = allowed_includes();
    REQUIRE(allowed.size() > 15);
    for (const auto& include : all_includes()) {
        if (!include.quoted) continue;
        const auto folder = include.target.substr(0, include.target.find('/'));
        INFO(include.file.string() << " includes " << include.target);
        REQUIRE(include.target.find('/') != std::string::npos);
        if (include.folder == "install") {
            CHECK(std::set<std::string>{"base", "conda", "link", "install"}.contains(folder));
            continue;
        }
        REQUIRE(allowed.contains(include.folder));
        CHECK(allowed.at(include.folder).contains(folder));
    }
}

TEST_CASE("a third-party library stays inside its folders") {
    const std::map<std::string, std::set<std::string>> owners{
        {"solv/", {}},  // for tests only
        {"curl/", {"net"}},
        {"zstd.h", {"conda", "layer"}},
        {"bzlib.h", {"conda"}},
        {"zlib.h", {"base", "layer"}},
        {"yaml-cpp/", {"spec", "catalog"}},
        {"simdjson.h", {"base", "conda"}},
        {"openssl/", {"base", "install"}},
        {"CLI/", {"cli"}},
        {"kainjow/", {"dockerfile"}},
        {"httplib.h", {"serve"}},
    };
    for (const auto& include : all_includes()) {
        for (const auto& [header, folders] : owners) {
            if (include.quoted || !include.target.starts_with(header)) continue;
            INFO(include.file.string() << " includes <" << include.target << ">");
            CHECK(folders.contains(include.folder));
        }
    }
}
