// A package index in memory for tests of pip's half: what it offers is told line by line; what it was asked is kept.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "solve/pip_solver.hpp"

namespace envbuild::testing {

struct PipOffer {
    std::vector<std::string> needs = {};   // Requires-Dist
    std::vector<std::string> extras = {};  // Provides-Extra
    std::string tag = "py3-none-any";      // "" for a source archive
    std::string python = {};               // Requires-Python, of the index
    std::string metadata_python = {};      // the same, of the metadata alone
    std::optional<std::string> yanked = {};
    bool broken = false;   // its metadata cannot be read
    bool damaged = false;  // it does not have its promised hash
    std::string dispute = {};
    std::string bytes = {};  // what its hash is of; "" for its name
};

class PipWorld : public solve::PipProvider {
  public:
    PipWorld& offer(const std::string& name, const std::string& version, const PipOffer& offer = {});
    // The sha256 of an offered file, as --hash has it.
    [[nodiscard]] static std::string hash_of(const std::string& file_name_or_bytes);

    std::shared_ptr<const pypi::Project> project(const std::string& name) override;
    Expected<pypi::CoreMetadata> metadata(const pypi::IndexFile& file, const pypi::WheelName& name) override;
    Error absent_error(const pypi::Project& project) override;

    std::set<std::string> projects_asked, metadata_asked;

  private:
    std::map<std::string, pypi::Project> projects_;
    std::map<std::string, std::string> metadata_;  // by file name
    std::set<std::string> damaged_;
};

// A request for CPython 3.11 on glibc 2.36.
[[nodiscard]] solve::PipRequest pip_request(const std::vector<std::string>& lines,
                                            const std::vector<std::string>& constraints = {});
[[nodiscard]] solve::PipLine pip_line(const std::string& text, const std::vector<std::string>& hashes = {});

// "a 1.0, b 2.0", or the message of the error.
[[nodiscard]] std::string pip_answer(const solve::PipRequest& request, solve::PipProvider& world);

}  // namespace envbuild::testing
