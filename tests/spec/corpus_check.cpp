// Reads every real file of the corpus beside the repository and compares the verdict with the one proposed there, or
// with corpus_exceptions.json where envbuild judges otherwise, which gives the reason. Ends with "N passed, N failed".
#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "spec/environment_reader.hpp"
#include "support/shared_data.hpp"

using namespace envbuild;

namespace {

// Files that a corpus file names are not in the corpus: an included file is taken for empty, a local source for its
// name.
class AbsentSources final : public spec::SourceAccess {
  public:
    [[nodiscard]] std::string read_text(const std::filesystem::path&) const override { return ""; }
    [[nodiscard]] Digest digest_source(const std::filesystem::path& path) const override {
        return sha256(path.filename().string());
    }
};

struct Verdict {
    std::string word, why, hash;
};

Verdict judge(const std::filesystem::path& file, const std::string& python) {
    const AbsentSources sources;
    spec::ReadOptions options;
    options.sources = &sources;
    options.python = python;
    try {
        const auto result = spec::read_environment(file, options);
        const std::string why = result.warnings.empty() ? "" : result.warnings.front().to_string();
        return {result.warnings.empty() ? "accept" : "warn", why, result.spec.hash().hex()};
    } catch (const Error& error) {
        return {"reject", error.to_string(), ""};
    }
}

class Check {
  public:
    Check(std::filesystem::path corpus, Json exceptions)
        : corpus_(std::move(corpus)), exceptions_(std::move(exceptions)) {}

    void environments() {
        for (const auto& entry : index("environments")) {
            const auto& name = entry["file"].as_string();
            compare("environments", name, entry["strict"].as_string(), judge(corpus_ / "environments" / name, ""));
        }
    }

    void requirements() {
        for (const auto& entry : index("requirements")) {
            const auto& name = entry["file"].as_string();
            compare("requirements", name, "accept", judge(corpus_ / "requirements" / name, "3.11"));
        }
    }

    // Byte-level variants: what may be taken must mean what the original means, the rest is refused.
    void derived() {
        std::map<std::string, std::string> hashes;
        for (const auto& entry : index("environments_derived")) {
            const auto& name = entry["file"].as_string();
            const auto verdict = judge(corpus_ / "environments_derived" / name, "");
            if (entry["expect"].as_string().starts_with("reject")) {
                compare("environments_derived", name, "reject", verdict);
                continue;
            }
            const auto same = hashes.emplace(entry["from"].as_string(), verdict.hash).first->second;
            report(!verdict.hash.empty() && verdict.hash == same, name, "the same hash as the original", verdict);
        }
    }

    [[nodiscard]] int finish() const {
        fmt::print("{} passed, {} failed\n", passed_, failed_);
        return failed_ == 0 && passed_ > 0 ? 0 : 1;
    }

  private:
    [[nodiscard]] Json::Array index(const std::string& folder) const {
        return value_or_throw(Json::parse(read_file(corpus_ / folder / "index.json"))).as_array();
    }

    void compare(const std::string& folder, const std::string& name, const std::string& proposed,
                 const Verdict& verdict) {
        const Json* exception = exceptions_[folder].find(name);
        report(verdict.word == (exception != nullptr ? (*exception)["verdict"].as_string() : proposed), name,
               exception != nullptr ? (*exception)["verdict"].as_string() : proposed, verdict);
        if (exception != nullptr && (*exception)["verdict"].as_string() == proposed) {
            report(false, name, "no exception, since it says what was proposed", verdict);
        }
    }

    void report(bool right, const std::string& name, const std::string& expected, const Verdict& verdict) {
        ++(right ? passed_ : failed_);
        if (!right) fmt::print("{}\n  expected {}, found {}\n  {}\n", name, expected, verdict.word, verdict.why);
    }

    std::filesystem::path corpus_;
    Json exceptions_;
    int passed_ = 0, failed_ = 0;
};

}  // namespace

int main() {
    const auto corpus = test::shared_file("corpus");
    if (!corpus) {
        fmt::print("no corpus beside the repository: nothing to check\n0 passed, 0 failed\n");
        return 0;
    }
    try {
        const auto file = std::filesystem::path(ENVBUILD_SOURCE_DIR) / "tests/spec/corpus_exceptions.json";
        Check check(*corpus, value_or_throw(Json::parse(read_file(file))));
        check.environments();
        check.requirements();
        check.derived();
        return check.finish();
    } catch (const std::exception& error) {
        fmt::print(stderr, "corpus_check: {}\n", error.what());
        return 1;
    }
}
