// Packages, a plan and a sink in memory, for the tests of link/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "link/link_plan.hpp"
#include "support/conda_package_writer.hpp"

namespace envbuild::link {

struct MemoryEntry {
    char kind = 'f';  // f, d, s, h
    std::uint32_t mode = 0;
    std::int64_t mtime = 0;
    std::string content;  // of a file; the target of a link
    bool operator==(const MemoryEntry&) const = default;
};

// Keeps everything, and holds the plan to TreeSink's contract.
class MemorySink : public TreeSink {
  public:
    std::map<std::string, MemoryEntry> entries;

    void directory(const std::string& path, std::uint32_t mode, std::int64_t mtime) override;
    void file(const std::string& path, std::uint32_t mode, std::int64_t mtime, std::uint64_t size,
              conda::ContentReader& content) override;
    void symlink(const std::string& path, const std::string& target, std::int64_t mtime) override;
    void hardlink(const std::string& path, const std::string& target) override;

  private:
    void add(const std::string& path, MemoryEntry entry);
};

[[nodiscard]] PackageSource source(const testing::PackageWriter& package, bool old_format = false);
[[nodiscard]] LinkPlan plan(const std::vector<testing::PackageWriter>& packages, const LinkTarget& target = {});
// All packages and the metadata.
[[nodiscard]] MemorySink link_all(const LinkPlan& plan, const std::vector<std::string>& specs = {});

}  // namespace envbuild::link
