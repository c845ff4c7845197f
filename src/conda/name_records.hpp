// The records of one name, of which at first only that is read which orders and selects them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "conda/package_record.hpp"

namespace envbuild::conda {

// Fields as in PackageRecord. What is pointed at belongs to the NameRecords.
struct RecordHead {
    const Version* version = nullptr;  // never null
    std::string_view build, file_name;
    std::int64_t build_number = 0, timestamp = 0;
    std::uint32_t track_features = 0;  // how many
    bool has_sha256 = false;
};

// Immutable and thread-safe.
class NameRecords {
  public:
    virtual ~NameRecords() = default;
    [[nodiscard]] virtual std::span<const RecordHead> heads() const = 0;  // in the order of the channel's file
    [[nodiscard]] virtual std::string_view channel() const = 0;           // as PackageRecord::channel, of all
    // The whole record. Error(Corrupt) where what its head does not show cannot be read.
    [[nodiscard]] virtual Expected<PackageRecord> read(std::size_t place) const = 0;
    // False where it is certain that the whole record holds the (plain ASCII) text nowhere; cheaper than to read it.
    [[nodiscard]] virtual bool may_hold(std::size_t place, std::string_view text) const = 0;
    // What the channel lists under the name and cannot be used, for messages.
    struct LeftOut {
        std::size_t count = 0;
        std::string first;  // its file, and why
    };
    [[nodiscard]] virtual LeftOut left_out() const { return {}; }
};

// Records that are there already.
class HeldRecords : public NameRecords {
  public:
    // All of one name and channel.
    explicit HeldRecords(std::vector<PackageRecord> records);
    [[nodiscard]] std::span<const RecordHead> heads() const override { return heads_; }
    [[nodiscard]] std::string_view channel() const override;
    [[nodiscard]] Expected<PackageRecord> read(std::size_t place) const override { return records_[place]; }
    [[nodiscard]] bool may_hold(std::size_t, std::string_view) const override { return true; }

  private:
    std::vector<PackageRecord> records_;
    std::vector<RecordHead> heads_;
};

}  // namespace envbuild::conda
