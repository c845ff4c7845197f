// Package indexes as the provider of pip's half.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "pypi/metadata_source.hpp"
#include "pypi/package_index.hpp"
#include "solve/pip_solver.hpp"

namespace envbuild::solve {

// Each wheel's metadata is asked for once in the life of this; what may be asked for next is fetched several at a time.
class PipIndex : public PipProvider {
  public:
    // All outlive this.
    PipIndex(pypi::PackageIndex& index, const pypi::MetadataSource& metadata, std::size_t threads = 16)
        : index_(index), source_(metadata), threads_(threads) {}

    std::shared_ptr<const pypi::Project> project(const std::string& name) override { return index_.project(name); }
    Expected<pypi::CoreMetadata> metadata(const pypi::IndexFile& file, const pypi::WheelName& name) override;
    Error absent_error(const pypi::Project& project) override { return index_.absent_error(project); }
    void prefetch(const std::vector<std::string>& projects) override { index_.prefetch(projects); }
    void prefetch(const std::vector<Wheel>& wheels) override;

  private:
    // URL, file name, sha256: two indexes may say different things of one URL.
    using Key = std::tuple<std::string, std::string, std::string>;
    [[nodiscard]] std::optional<Expected<pypi::CoreMetadata>> known(const Key& key);

    pypi::PackageIndex& index_;
    const pypi::MetadataSource& source_;
    std::size_t threads_;
    std::mutex mutex_;
    std::map<Key, Expected<pypi::CoreMetadata>> known_;
};

}  // namespace envbuild::solve
