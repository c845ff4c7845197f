#include "build/source_archive.hpp"

#include <fmt/format.h>

#include "base/fs.hpp"
#include "layer/tar_writer.hpp"

namespace envbuild::build {

namespace {

// Zip tools, which make the wheel, fail before 1980, and 0 looks like a fault.
constexpr std::int64_t kTime = 1'577'836'800;
constexpr std::uint64_t kMaxFileBytes = 2ULL << 30U;

// A file of the cache in the making: its name is its hash, which is known at its end.
class Incoming {
  public:
    explicit Incoming(const Workbench& bench)
        : bench_(bench), folder_("source", bench.cache_folder("tmp")), file_(folder_.path() / "file") {}

    void write(std::string_view bytes) {
        hash_.update(bytes);
        file_.write(bytes);
    }

    CachedSource keep() {
        const auto digest = hash_.finish();
        const auto path = bench_.downloader().path_of(digest);
        file_.commit();
        std::filesystem::create_directories(path.parent_path());
        // Another process may have put the same bytes there: the rename replaces like with like.
        std::filesystem::rename(folder_.path() / "file", path);
        fsync_directory(path.parent_path());
        return {digest, path};
    }

  private:
    const Workbench& bench_;
    TempDir folder_;
    AtomicFile file_;
    Sha256 hash_;
};

// A build under an intent's hash must be of that intent's files.
void check_unchanged(const Digest& digest, const std::optional<Digest>& expected, const std::filesystem::path& path) {
    if (!expected || digest == *expected) return;
    throw Error(ErrorKind::InvalidInput, fmt::format("{} changed while envbuild was reading it", path.string()))
        .with_hint("run it again when nothing writes there");
}

}  // namespace

CachedSource pack_folder(const std::filesystem::path& folder, spec::LeftOut left_out,
                         const std::optional<Digest>& expected, const Workbench& bench) {
    spec::TreeDigest tree;
    Incoming incoming(bench);
    layer::TarWriter tar([&](std::string_view bytes) { incoming.write(bytes); });
    for (const auto& file : spec::source_files(folder, left_out, bench.cancel())) {
        bench.cancel().throw_if_cancelled();
        const auto bytes = file.link ? std::string() : read_file(file.on_disk, kMaxFileBytes);
        tree.add(file, bytes);
        layer::TarEntry entry;
        entry.path = "source/" + file.path;
        entry.type = file.link ? layer::TarEntry::Type::Symlink : layer::TarEntry::Type::File;
        entry.mode = file.link ? 0777 : file.executable ? 0755 : 0644;
        entry.size = bytes.size();
        entry.link_target = file.target;
        entry.mtime = kTime;
        tar.add(entry, bytes);
    }
    tar.finish();
    check_unchanged(tree.finish(), expected, folder);
    return incoming.keep();
}

CachedSource keep_file(const std::filesystem::path& file, const std::optional<Digest>& expected,
                       const Workbench& bench) {
    const auto bytes = read_file(file, kMaxFileBytes);
    Incoming incoming(bench);
    incoming.write(bytes);
    auto kept = incoming.keep();
    check_unchanged(kept.sha256, expected, file);
    return kept;
}

}  // namespace envbuild::build
