// What one subdir of a channel offers, however the channel serves it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conda/name_records.hpp"

namespace envbuild::conda {

// Thread-safe. What must be asked of a server for a name is asked when the name is: then every call may throw what
// HttpClient does, and Error(Corrupt).
class SubdirRecords {
  public:
    virtual ~SubdirRecords() = default;

    // The records of a name; null where there is none. Of a package that is there as .conda and as .tar.bz2 only the
    // .conda; none that "removed" lists or that is marked "revoked". Records without sha256 are given: it is for the
    // caller to refuse them. What is given outlives this.
    [[nodiscard]] virtual std::shared_ptr<const NameRecords> open(std::string_view name) const = 0;
    // All of them read, without those that cannot be.
    [[nodiscard]] std::vector<PackageRecord> records(std::string_view name) const;
    [[nodiscard]] virtual std::vector<std::string> names() const = 0;  // sorted
    [[nodiscard]] virtual bool has(std::string_view name) const = 0;
    // The names that the records of a name depend on, each once.
    [[nodiscard]] virtual std::vector<std::string> needs(std::string_view name) const = 0;
    // Whether each name costs a request: what will be needed is then better asked for together.
    [[nodiscard]] virtual bool is_sharded() const = 0;
};

}  // namespace envbuild::conda
