// The files that one wheel becomes in a prefix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "link/link_target.hpp"
#include "link/wheel_archive.hpp"
#include "link/wheel_record.hpp"

namespace envbuild::link {

struct WheelFile {
    std::string path;                   // in the prefix
    std::optional<std::size_t> member;  // of the archive's members(); none: `text` is its content
    std::string text;
    Digest sha256;  // of its content: of a member, what the wheel's RECORD promises
    std::uint64_t size = 0;
    std::uint32_t mode = 0644;
    std::int64_t mtime = 0;
};

struct WheelFiles {
    std::vector<WheelFile> files;  // in the archive's order, then what is generated; no path twice
    std::string info_folder;       // the .dist-info folder in the prefix

    [[nodiscard]] std::string record_path() const { return info_folder + "/RECORD"; }
};

// Reads what says what the wheel is, and decides where each of its files goes (PEP 427):
//   the root, .data/purelib and .data/platlib: site-packages; .data/scripts: bin, mode 0755, a first line "#!python…"
//   replaced by python_shebang(); .data/headers: include/python3.11/<project>; .data/data: the prefix.
//   console_scripts and gui_scripts: bin/<name>, in place of a file of that name in .data/scripts.
//   .dist-info: INSTALLER ("envbuild"), REQUESTED and direct_url.json as `wheel` says and never as the archive has
//   them; RECORD is not among them, and signatures of the archive's (RECORD.jws, RECORD.p7s) are left out.
// Files keep the archive's time (read as UTC) where `keep_times`, else and where it is none, and all that is generated,
// the target's epoch. Modes are 0644, or 0755 where the archive has an executable bit.
// Corrupt, naming the wheel, unless: the file's name, .dist-info folder (just one) and METADATA agree with `wheel`;
// WHEEL is of a known version; RECORD names every file of the archive, with a sha256 and, where it gives sizes, the
// right ones, and nothing that is not there; every .data folder has a known scheme; no two files become one; nothing
// goes into conda-meta. The content of what is not read here is the caller's to compare with `sha256`.
[[nodiscard]] WheelFiles read_wheel(const LinkWheel& wheel, const WheelArchive& archive, const LinkTarget& target,
                                    bool keep_times);

// What is said of a member whose content is another than RECORD promises.
[[nodiscard]] std::string wheel_file_differs(std::string_view path);

}  // namespace envbuild::link
