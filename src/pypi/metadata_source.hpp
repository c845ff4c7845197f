// The metadata of wheels that an index offers, without downloading them: from the file beside the wheel (PEP 658), else
// from the few bytes of the wheel that hold it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/reporter.hpp"
#include "base/zip_directory.hpp"
#include "net/downloader.hpp"
#include "net/http_client.hpp"
#include "pypi/core_metadata.hpp"
#include "pypi/file_name.hpp"
#include "pypi/index_page.hpp"

namespace envbuild::pypi {

// The text of a wheel's METADATA. `what` names the wheel in messages. Corrupt where there is none, or several, or where
// its folder is that of another project or version.
[[nodiscard]] std::string read_wheel_metadata(RandomBytes& wheel, const WheelName& name, const std::string& what);

// Thread-safe. What it found stays in `<folder>/<key>/<2 hex digits>/<64 hex digits>`: a line with the sha256 of the
// rest, which is the METADATA. The key says what vouches for it, since indexes may lie of each other's files: "text" is
// by its own sha256, where the index promised that; "wheel" by the sha256 of a whole wheel that it was read out of;
// "place", of what nothing vouches for, by sha256("<the wheel's sha256> <URL without query and fragment>"). What does
// not fit its hash, or not the one that the index promises now, counts as absent.
class MetadataSource {
  public:
    // All outlive this. `wheels` takes a wheel whole where its server gives no pieces of it.
    MetadataSource(HttpClient& client, const Downloader& wheels, std::filesystem::path folder, Reporter& reporter);

    // Given back as an error (Corrupt): what is certainly the wheel's own fault, since the text has its promised hash
    // or came out of the very file: it is broken, or names another project or version. Thrown: what another attempt may
    // mend, and must not make anybody choose another file. That is Corrupt where the metadata or the wheel does not
    // have the hash that the index promised; InvalidInput where nothing says how to know it; NotFound, Unauthorized,
    // Transient, Io and Cancelled as the wire says.
    [[nodiscard]] Expected<CoreMetadata> fetch(const IndexFile& file, const WheelName& name) const;

  private:
    [[nodiscard]] std::optional<std::string> from_cache(const IndexFile& file) const;
    // How a text came, which decides what it is kept under.
    enum class From : std::uint8_t { Beside, Pieces, Wheel, Disk };
    [[nodiscard]] std::filesystem::path cached(std::string_view key, const Digest& digest) const;
    [[nodiscard]] std::filesystem::path cached_place(const IndexFile& file) const;
    void keep(const IndexFile& file, std::string_view text, From from) const;
    // Nothing where the server does not have what the index promised.
    [[nodiscard]] std::optional<std::string> from_beside(const IndexFile& file) const;
    [[nodiscard]] Expected<CoreMetadata> from_wheel(const IndexFile& file, const WheelName& name) const;
    [[nodiscard]] Expected<CoreMetadata> from_text(const std::string& text, const IndexFile& file,
                                                   const WheelName& name) const;
    // And keeps it.
    [[nodiscard]] Expected<CoreMetadata> from_bytes(RandomBytes& wheel, const IndexFile& file, const WheelName& name,
                                                    From from) const;

    HttpClient& client_;
    const Downloader& wheels_;
    std::filesystem::path folder_;
    Reporter& reporter_;
};

}  // namespace envbuild::pypi
