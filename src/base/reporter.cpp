#include "base/reporter.hpp"

namespace envbuild {

namespace {

class SilentProgress final : public Progress {
  public:
    void advance(std::uint64_t) override {}
    void set_total(std::uint64_t) override {}
    void set_detail(std::string_view) override {}
};

class SilentReporter final : public Reporter {
  public:
    void warn(std::string_view) override {}
    void note(std::string_view) override {}
    void debug(std::string_view) override {}
    void log(std::string_view) override {}
    std::unique_ptr<Progress> start(std::string_view, Unit, std::uint64_t) override {
        return std::make_unique<SilentProgress>();
    }
};

}  // namespace

Reporter& silent_reporter() {
    static SilentReporter reporter;
    return reporter;
}

}  // namespace envbuild
