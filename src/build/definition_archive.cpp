#include "build/definition_archive.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "layer/tar_parser.hpp"
#include "layer/tar_writer.hpp"
#include "spec/definition.hpp"
#include "spec/inside_link.hpp"

namespace envbuild::build {

namespace {

using layer::TarEntry;

// A build context may hold wheels and sources; data belongs elsewhere.
constexpr std::uint64_t kArchiveLimit = 2ULL << 30;
constexpr std::size_t kEntryLimit = 100'000;

// What a registration says itself, and what belongs to no content.
std::string content_of(const fs::path& file) {
    auto json = Json::parse(read_file(file));
    if (!json || !json->is_object()) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{}: {}", file.string(), json ? "not a JSON object" : json.error().message()));
    }
    Json kept = Json::object();
    for (const auto& [key, value] : json->as_object()) {
        if (key == "name" || key == "version" || key == "description" || key == "tags" || key == "assetId") continue;
        kept.set(key, value);
    }
    if (const auto& login = kept["docker"]["baseImageRegistry"]; login.is_object()) {
        Json docker = kept["docker"];
        Json without = login;
        if (without.find("password") != nullptr) without.set("password", Json());
        kept.set("docker", docker.set("baseImageRegistry", std::move(without)));
    }
    return kept.canonical();
}

// Everything under the directory by its relative path; a folder comes before what is in it.
std::map<std::string, fs::directory_entry> walk(const fs::path& directory) {
    std::map<std::string, fs::directory_entry> entries;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        entries.emplace(entry.path().lexically_relative(directory).generic_string(), entry);
        if (entries.size() > kEntryLimit)
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{} holds more than {} files", directory.string(), kEntryLimit));
    }
    return entries;
}

UniqueFd open_file(const fs::path& path, int flags, mode_t mode = 0) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd) throw_errno("open", path);
    return fd;
}

void add_file(layer::TarWriter& tar, TarEntry entry, const fs::path& path) {
    const UniqueFd fd = open_file(path, O_RDONLY | O_NOFOLLOW);
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
        throw Error(ErrorKind::Io, fmt::format("{} changed while it was read", path.string()));
    entry.size = static_cast<std::uint64_t>(status.st_size);
    entry.mode = (status.st_mode & S_IXUSR) != 0 ? 0755 : 0644;
    tar.begin(entry);
    std::array<char, 1 << 16> buffer;
    for (std::uint64_t left = entry.size; left > 0;) {
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
        const ssize_t got = ::read(fd.get(), buffer.data(), want);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) throw Error(ErrorKind::Io, fmt::format("{} changed while it was read", path.string()));
        tar.data({buffer.data(), static_cast<std::size_t>(got)});
        left -= static_cast<std::uint64_t>(got);
    }
}

void add_entry(layer::TarWriter& tar, const std::string& path, const fs::directory_entry& entry) {
    TarEntry header{.path = path, .link_target = {}};
    const auto status = entry.symlink_status();
    if (status.type() == fs::file_type::directory) {
        header.type = TarEntry::Type::Directory;
        header.mode = 0755;
        tar.add(header);
    } else if (status.type() == fs::file_type::symlink) {
        header.type = TarEntry::Type::Symlink;
        header.mode = 0777;
        header.link_target = fs::read_symlink(entry.path()).string();
        if (!spec::link_stays_inside(path, header.link_target))
            throw Error(ErrorKind::InvalidInput, fmt::format("{} is a symlink to {}, which leads out of the definition",
                                                             entry.path().string(), header.link_target))
                .with_hint("put the file itself there");
        tar.add(header);
    } else if (status.type() != fs::file_type::regular) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is no file, folder or symlink", entry.path().string()));
    } else if (path == spec::kDefinitionFile) {
        const auto bytes = content_of(entry.path());
        header.size = bytes.size();
        tar.add(header, bytes);
    } else {
        add_file(tar, std::move(header), entry.path());
    }
}

class Unpacker : public layer::TarVisitor {
  public:
    explicit Unpacker(fs::path directory) : directory_(std::move(directory)) {}

    void entry(const TarEntry& entry) override {
        check(entry);
        const auto path = directory_ / entry.path;
        if (entry.type == TarEntry::Type::Directory) {
            fs::create_directory(path);
        } else if (entry.type == TarEntry::Type::Symlink) {
            fs::create_symlink(entry.link_target, path);
        } else {
            file_ = open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, (entry.mode & 0100) != 0 ? 0755 : 0644);
            path_ = entry.path;
        }
    }

    void data(std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t put = ::write(file_.get(), bytes.data(), bytes.size());
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) throw_errno("write", directory_ / path_);
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
    }

    void end() override { file_.reset(); }

  private:
    [[noreturn]] static void refuse(const TarEntry& entry, std::string_view why) {
        throw Error(ErrorKind::Corrupt, fmt::format("a definition's archive has the entry '{}', {}", entry.path, why));
    }

    void check(const TarEntry& entry) {
        if (entry.path.empty() || entry.path.front() == '/') refuse(entry, "whose path is not relative");
        for (const auto part : split(entry.path, '/')) {
            if (part.empty() || part == "." || part == "..") refuse(entry, "whose path is not plain");
        }
        if (has_control_character(entry.path)) refuse(entry, "whose path has control characters");
        const auto slash = entry.path.rfind('/');
        if (slash != std::string::npos && !folders_.contains(entry.path.substr(0, slash)))
            refuse(entry, "whose folder does not come before it");
        if (!seen_.insert(entry.path).second) refuse(entry, "which comes twice");
        if (seen_.size() > kEntryLimit) refuse(entry, "one too many");
        switch (entry.type) {
            case TarEntry::Type::Directory:
                folders_.insert(entry.path);
                return;
            case TarEntry::Type::File:
                return;
            case TarEntry::Type::Symlink:
                if (!spec::link_stays_inside(entry.path, entry.link_target))
                    refuse(entry, "a symlink that leads out of it");
                return;
            default:
                refuse(entry, "which is no file, folder or symlink");
        }
    }

    fs::path directory_;
    std::set<std::string> seen_, folders_;
    UniqueFd file_;
    std::string path_;
};

}  // namespace

void pack_definition(const fs::path& directory, const ByteSink& sink) {
    std::error_code error;
    if (!fs::is_regular_file(directory / spec::kDefinitionFile, error))
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} is no definition: it has no {}", directory.string(), spec::kDefinitionFile));
    std::uint64_t size = 0;
    layer::TarWriter tar([&](std::string_view bytes) {
        size += bytes.size();
        if (size > kArchiveLimit)
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{} is over {}", directory.string(), human_bytes(kArchiveLimit)))
                .with_hint("a definition holds what the image is made from; data belongs elsewhere");
        sink(bytes);
    });
    for (const auto& [path, entry] : walk(directory)) add_entry(tar, path, entry);
    tar.finish();
}

Digest pack_definition(const fs::path& directory, const fs::path& archive) {
    AtomicFile file(archive);
    Sha256 hash;
    pack_definition(directory, [&](std::string_view bytes) {
        file.write(bytes);
        hash.update(bytes);
    });
    file.commit();
    return hash.finish();
}

void unpack_definition(oci::BlobReader& archive, const fs::path& directory) {
    Unpacker unpacker(directory);
    layer::TarParser parser(unpacker);
    std::array<char, 1 << 16> buffer;
    std::uint64_t size = 0;
    while (const std::size_t got = archive.read(buffer.data(), buffer.size())) {
        size += got;
        if (size > kArchiveLimit) throw Error(ErrorKind::Corrupt, "a definition's archive that is too large");
        parser.feed({buffer.data(), got});
    }
    parser.finish();
}

}  // namespace envbuild::build
