// Any bytes are a wheel that can be linked, or are refused; whatever names a wheel's files have, what is linked lies in
// the prefix and is what RECORD lists.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "conda/paths_json.hpp"
#include "link/wheel_info.hpp"
#include "link/wheel_name.hpp"
#include "link/wheel_plan.hpp"
#include "support/wheel_writer.hpp"

using namespace envbuild;
using namespace envbuild::link;

namespace {

const std::string kSite = "lib/python3.11/site-packages";

class CheckingSink final : public TreeSink {
  public:
    void directory(const std::string& path, std::uint32_t, std::int64_t) override { check(path); }
    void file(const std::string& path, std::uint32_t mode, std::int64_t, std::uint64_t size,
              conda::ContentReader& content) override {
        check(path);
        const std::string text = content.read_all();
        if (text.size() != size || (mode != 0644 && mode != 0755) || !files.insert(path).second) std::abort();
        if (path.ends_with("/RECORD")) record = text;
    }
    void symlink(const std::string&, const std::string&, std::int64_t) override { std::abort(); }
    void hardlink(const std::string&, const std::string&) override { std::abort(); }

    std::set<std::string> files;
    std::string record;

  private:
    static void check(const std::string& path) {
        if (conda::bad_path_reason(path) || path == "conda-meta" || path.starts_with("conda-meta/")) std::abort();
    }
};

void link_one(std::string bytes) {
    LinkTarget target;
    target.python_version = "3.11.2";
    const LinkPlan conda = LinkPlan::make(target, {}, 1);
    LinkWheel wheel;
    wheel.file_name = "demo-1.0-py3-none-any.whl";
    wheel.name = "demo";
    wheel.version = "1.0";
    conda::ArchiveLimits limits;
    limits.free_unpacked = 1 << 20;
    CheckingSink sink;
    try {
        std::vector<WheelSource> sources;
        sources.push_back(
            {wheel, WheelArchive::open(wheel.file_name, conda::ArchiveSource::from_bytes(std::move(bytes)), limits)});
        const auto plan = WheelPlan::make(conda, std::move(sources), 1);
        for (std::size_t i = 0; i < plan.pieces(); ++i) plan.emit(i, sink);
        plan.emit_records([](const std::string&) { return false; }, sink);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Corrupt && error.kind() != ErrorKind::InvalidInput) std::abort();
        return;
    }
    const auto rows = parse_record(sink.record);
    if (!rows || rows->size() != sink.files.size()) std::abort();
    for (const auto& row : *rows) {
        const auto path = (std::filesystem::path(kSite) / row.path).lexically_normal().string();
        if (!sink.files.contains(path)) std::abort();
    }
}

// A name a line, each of a file that holds its own name; entry_points.txt is all of it.
void link_names(const std::string& text) {
    testing::WheelWriter wheel("demo");
    for (const auto name : split(text, '\n')) wheel.file(std::string(name), std::string(name));
    wheel.add("entry_points.txt", "[console_scripts]\n" + text);
    link_one(wheel.bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'n':
            link_names(text);
            break;
        case 'r':
            if (const auto rows = parse_record(text)) {
                const auto again = parse_record(record_text(*rows));
                if (!again || again->size() != rows->size()) std::abort();
            }
            break;
        case 'i':
            (void)check_wheel_file(text);
            (void)parse_project_names(text);
            (void)parse_entry_points(text);
            (void)WheelName::parse(text);
            (void)project_of_metadata(text);
            if (!same_version(text, text)) std::abort();
            break;
        default:
            link_one(text);
    }
    return 0;
}
