#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <chrono>
#include <memory>
#include <random>
#include <stdexcept>

#include "base/process.hpp"
#include "layer/compressor.hpp"
#include "layer/decompressor.hpp"
#include "layer/layer_support.hpp"
#include "layer/tar_writer.hpp"

namespace layer_test {

using envbuild::layer::TarEntry;

namespace {

// libarchive converts names by the thread's locale.
class Utf8Locale {
  public:
    Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), previous_(::uselocale(locale_)) {}
    ~Utf8Locale() {
        ::uselocale(previous_);
        ::freelocale(locale_);
    }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;

  private:
    locale_t locale_, previous_;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Member& member) {
    const TarEntry& e = member.entry;
    return out << e.path.substr(0, 40) << " type " << static_cast<int>(e.type) << " mode " << e.mode << " size "
               << e.size << " -> " << e.link_target << " at " << e.mtime << " of " << e.uid << ":" << e.gid;
}

Member file(std::string path, std::string data, std::uint32_t mode) {
    Member member{{.path = std::move(path), .mode = mode, .size = data.size(), .link_target = {}}, {}};
    member.data = std::move(data);
    return member;
}

Member folder(std::string path) {
    return {{.path = std::move(path), .type = TarEntry::Type::Directory, .mode = 0755, .link_target = {}}, {}};
}

Member soft_link(std::string path, std::string target) {
    return {{.path = std::move(path), .type = TarEntry::Type::Symlink, .mode = 0777, .link_target = std::move(target)},
            {}};
}

Member hard_link(std::string path, std::string target) {
    return {{.path = std::move(path), .type = TarEntry::Type::Hardlink, .mode = 0644, .link_target = std::move(target)},
            {}};
}

std::string make_tar(const std::vector<Member>& members) {
    std::string bytes;
    envbuild::layer::TarWriter writer([&bytes](std::string_view part) { bytes += part; });
    for (const Member& member : members) writer.add(member.entry, member.data);
    writer.finish();
    return bytes;
}

std::string make_tar_with_libarchive(const std::vector<Member>& members, std::string_view format) {
    const Utf8Locale locale;
    const std::unique_ptr<archive, decltype(&archive_write_free)> out(archive_write_new(), &archive_write_free);
    if (archive_write_set_format_by_name(out.get(), std::string(format).c_str()) != ARCHIVE_OK)
        throw std::runtime_error("format");
    archive_write_add_filter_none(out.get());
    std::string bytes(64U << 20, '\0');
    std::size_t used = 0;
    if (archive_write_open_memory(out.get(), bytes.data(), bytes.size(), &used) != ARCHIVE_OK)
        throw std::runtime_error("open");
    for (const Member& member : members) {
        const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                                  &archive_entry_free);
        const TarEntry& e = member.entry;
        archive_entry_set_pathname_utf8(entry.get(), e.path.c_str());
        archive_entry_set_perm(entry.get(), e.mode);
        archive_entry_set_filetype(entry.get(), e.type == TarEntry::Type::Directory ? AE_IFDIR
                                                : e.type == TarEntry::Type::Symlink ? AE_IFLNK
                                                                                    : AE_IFREG);
        if (e.type == TarEntry::Type::Symlink) archive_entry_set_symlink_utf8(entry.get(), e.link_target.c_str());
        if (e.type == TarEntry::Type::Hardlink) archive_entry_set_hardlink_utf8(entry.get(), e.link_target.c_str());
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(member.data.size()));
        archive_entry_set_mtime(entry.get(), e.mtime, 0);
        archive_entry_set_uid(entry.get(), static_cast<la_int64_t>(e.uid));
        archive_entry_set_gid(entry.get(), static_cast<la_int64_t>(e.gid));
        if (archive_write_header(out.get(), entry.get()) != ARCHIVE_OK)
            throw std::runtime_error(archive_error_string(out.get()));
        if (!member.data.empty()) archive_write_data(out.get(), member.data.data(), member.data.size());
    }
    archive_write_close(out.get());
    bytes.resize(used);
    return bytes;
}

std::vector<Member> read_tar(const std::string& bytes) {
    const Utf8Locale locale;
    const std::unique_ptr<archive, decltype(&archive_read_free)> in(archive_read_new(), &archive_read_free);
    archive_read_support_format_tar(in.get());
    if (archive_read_open_memory(in.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
        throw std::runtime_error("not a tar");
    std::vector<Member> members;
    archive_entry* entry = nullptr;
    while (true) {
        const int status = archive_read_next_header(in.get(), &entry);
        if (status == ARCHIVE_EOF) return members;
        if (status != ARCHIVE_OK) throw std::runtime_error(archive_error_string(in.get()));
        Member member;
        TarEntry& e = member.entry;
        e.path = archive_entry_pathname_utf8(entry) != nullptr ? archive_entry_pathname_utf8(entry)
                                                               : archive_entry_pathname(entry);
        e.mode = archive_entry_perm(entry);
        e.mtime = archive_entry_mtime(entry);
        e.uid = static_cast<std::uint64_t>(archive_entry_uid(entry));
        e.gid = static_cast<std::uint64_t>(archive_entry_gid(entry));
        e.type = TarEntry::Type::File;
        if (archive_entry_hardlink(entry) != nullptr) {
            e.type = TarEntry::Type::Hardlink;
            e.link_target = archive_entry_hardlink_utf8(entry);
        } else if (archive_entry_filetype(entry) == AE_IFDIR) {
            e.type = TarEntry::Type::Directory;
            if (e.path.ends_with('/')) e.path.pop_back();
        } else if (archive_entry_filetype(entry) == AE_IFLNK) {
            e.type = TarEntry::Type::Symlink;
            e.link_target = archive_entry_symlink_utf8(entry);
        } else {
            e.size = static_cast<std::uint64_t>(archive_entry_size(entry));
            member.data.resize(e.size);
            if (archive_read_data(in.get(), member.data.data(), member.data.size()) !=
                static_cast<la_ssize_t>(e.size)) {
                throw std::runtime_error("short data");
            }
        }
        members.push_back(std::move(member));
    }
}

std::string compress(std::string_view bytes, envbuild::layer::Codec codec, std::size_t threads, std::size_t piece) {
    std::string out;
    envbuild::layer::Compressor compressor(codec, [&out](std::string_view part) { out += part; }, threads);
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) compressor.write(bytes.substr(0, piece));
    compressor.finish();
    return out;
}

std::string decompress(std::string_view bytes, std::size_t piece) {
    std::string out;
    envbuild::layer::Decompressor decompressor([&out](std::string_view part) { out += part; });
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
        decompressor.feed(bytes.substr(0, piece));
    decompressor.finish();
    return out;
}

std::string sample(std::size_t size, unsigned seed) {
    std::minstd_rand random(seed);
    std::string bytes;
    bytes.reserve(size + 300);
    while (bytes.size() < size) {
        if (random() % 3 == 0 || bytes.size() < 300) {
            for (unsigned i = 0; i < 40; ++i) bytes += static_cast<char>(random() >> 8U);
        } else {
            const std::size_t from = random() % (bytes.size() - 250);
            bytes += std::string(bytes, from, 20 + random() % 230);
        }
    }
    bytes.resize(size);
    return bytes;
}

std::string run_tool(const std::vector<std::string>& argv, std::string_view input) {
    auto result = envbuild::run_process(argv, input, std::chrono::minutes(5), envbuild::CancelToken(), 256U << 20);
    if (result.exit_code != 0) throw std::runtime_error(argv[0] + ": " + result.err);
    return std::move(result.out);
}

}  // namespace layer_test
