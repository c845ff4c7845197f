// Reads a tar archive that is pushed at it in pieces of any size: ustar, pax and GNU headers, as image layers and
// engine exports hold them. It writes nothing to the disk and follows no link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "layer/tar_entry.hpp"

namespace envbuild::layer {

// Whom the parser tells. entry() comes first, then data() any number of times, then end().
class TarVisitor {
  public:
    virtual ~TarVisitor() = default;
    virtual void entry(const TarEntry& entry) = 0;
    virtual void data(std::string_view bytes) = 0;
    virtual void end() = 0;
};

// Bounded memory: one header and its extended headers (at most 1 MiB, Corrupt beyond). Not thread-safe.
class TarParser {
  public:
    // `visitor` must outlive the parser.
    explicit TarParser(TarVisitor& visitor) : visitor_(&visitor) {}

    // Throws Corrupt, naming the offset, for a header that is none: wrong checksum, bad number, an extended header with
    // no entry.
    void feed(std::string_view bytes);
    // The stream has ended. Corrupt where that is within an entry. Bytes after the end of the archive are ignored.
    void finish();
    // Whether the two zero blocks were seen; an archive without them may have lost entries.
    [[nodiscard]] bool saw_end() const { return state_ == State::End; }

  private:
    enum class State : std::uint8_t { Header, Data, Extended, Sparse, Padding, End };

    // What extended headers said about the next entry.
    struct Override {
        std::optional<std::string> path, link;
        std::optional<std::uint64_t> size, uid, gid;
        std::optional<std::int64_t> mtime;
    };

    void header(std::string_view block);
    void zero_block();
    void begin_entry(std::string_view block);
    void begin_data(std::uint64_t size, State state);
    void data_done();
    void pax_records();
    [[noreturn]] void corrupt(std::string_view why) const;

    TarVisitor* visitor_;
    State state_ = State::Header;
    std::string block_;     // a header that came in pieces
    std::string extended_;  // data of an extended header
    char extended_type_ = 0;
    std::uint64_t left_ = 0;  // of data
    std::uint64_t padding_ = 0;
    std::uint64_t offset_ = 0;
    bool after_zero_block_ = false;
    bool overridden_ = false;
    Override next_;
};

// "./a//b/" -> "a/b"; "" for the root. Dot-dot components are kept: they are the caller's to judge.
[[nodiscard]] std::string normal_tar_path(std::string_view path);

}  // namespace envbuild::layer
