// The package indexes of an environment: which files of a project they offer.
#pragma once

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/reporter.hpp"
#include "net/document_cache.hpp"
#include "net/http_client.hpp"
#include "pypi/index_page.hpp"

namespace envbuild::pypi {

struct ProjectFile {
    IndexFile file;
    std::size_t place = 0;  // which of PackageIndex::places() offers it
    // Why it must not be used: another place offers another file of this name. "" for most. Where a user's own hash
    // says which of them is meant, there is no dispute.
    std::string dispute;
};

// What all places together offer of one project.
struct Project {
    std::string name;  // normalised
    // In the order of the places, each in its own order. A file that several have is there once, as the first of them
    // has it; one that is disputed is there with each of its hashes.
    std::vector<ProjectFile> files;
    bool known = false;               // some index has a page of it, though maybe without files
    std::vector<std::string> absent;  // "https://h/simple/foo/ answered 404", of the indexes that have none
};

struct PackageIndexSettings {
    std::vector<Url> indexes;  // PEP 503 roots ("https://pypi.org/simple"): --index-url, then --extra-index-url
    // In place of an index, by its URL as it stands in `indexes`: the first that has the project's page answers. One
    // that fails gives way to the next; where none has the page, its failure is thrown.
    std::map<std::string, std::vector<Url>> mirrors = {};
    std::vector<Url> find_links;  // pages of links, single files, or folders of this machine (file:)
    std::filesystem::path cache_directory;
    bool refresh = false;  // ask also where a copy is still good
    std::size_t threads = 8;
};

// Thread-safe. Each page is asked for once in the life of this, by whoever needs it first.
class PackageIndex {
  public:
    // `client` and `reporter` outlive this. User information in the URLs goes to the client's credentials and is in
    // nothing that is given back.
    PackageIndex(HttpClient& client, PackageIndexSettings settings, Reporter& reporter);
    ~PackageIndex();

    // `name` as it is normalised. An index that has no such project (404, 410, or 403 where another one has it) is
    // passed over; every other failure is thrown, since what is chosen must not depend on who could be reached:
    // Unauthorized, Transient, Corrupt for what is no index, NotFound for a --find-links that is not there.
    [[nodiscard]] std::shared_ptr<const Project> project(const std::string& name);
    // Asks for the pages of these, several at a time. Failures come when project() is called.
    void prefetch(const std::vector<std::string>& names);

    [[nodiscard]] const std::vector<Url>& places() const { return places_; }  // indexes, then find-links
    // NotFound, for a project that is not known and has no files.
    [[nodiscard]] Error absent_error(const Project& project) const;

  private:
    class Reader;
    using Future = std::shared_future<std::shared_ptr<const Project>>;

    HttpClient& client_;
    PackageIndexSettings settings_;
    Reporter& reporter_;
    DocumentCache pages_;
    std::vector<std::vector<Url>> asked_;  // of each index: itself, or its mirrors
    std::vector<Url> places_;
    std::mutex mutex_;
    std::map<std::string, Future> projects_;
    std::once_flag links_read_;
    std::vector<std::vector<IndexFile>> links_;  // of each find-links
};

}  // namespace envbuild::pypi
