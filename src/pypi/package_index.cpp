#include "pypi/package_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ranges>
#include <set>

#include "base/fs.hpp"
#include "base/parallel.hpp"
#include "base/shown.hpp"
#include "base/strings.hpp"
#include "pypi/file_name.hpp"
#include "pypi/line_parser.hpp"

namespace envbuild::pypi {

namespace {

constexpr int kOk = 200, kUnauthorized = 401, kForbidden = 403;

// Whether the file is one of the project, by its name.
bool belongs_to(const std::string& filename, const std::string& project) {
    if (const auto wheel = WheelName::parse(filename)) return wheel->name == project;
    return SdistName::parse(filename, project).has_value();
}

Error unauthorized(const Url& page, int status) {
    return Error(ErrorKind::Unauthorized, fmt::format("{} answered {} {}", page.to_string(), status,
                                                      status == kUnauthorized ? "Unauthorized" : "Forbidden"))
        .with_hint("the index needs a login: put it into ~/.netrc, or into the index's URL through ${VARIABLE}");
}

}  // namespace

// Reads pages for one PackageIndex.
class PackageIndex::Reader {
  public:
    explicit Reader(const PackageIndex& index) : index_(index) {}

    struct Answer {
        Url url;
        int status = 0;
    };
    using Answers = std::vector<Answer>;

    // Nothing where the server has no such page; `status` then says with what it answered.
    std::optional<IndexPage> page(const Url& url, int& status) const {
        const DocumentCache::Options options{std::string(kIndexAccept), index_.settings_.refresh, kLimit};
        const Document document = index_.pages_.get(index_.client_, url, options);
        status = document.status;
        if (status == kUnauthorized) throw unauthorized(url, status);
        if (status != kOk) return std::nullopt;
        auto page = parse_index_page(document.content_type, document.body, document.final_url);
        if (!page) {
            index_.pages_.forget(url, options);  // else it would be taken for good for as long as its server said
            throw std::move(page.error());
        }
        for (const auto& skipped : page->skipped)
            index_.reporter_.debug(fmt::format("{}: passed over: {}", url.to_string(), skipped));
        return std::move(*page);
    }

    // The project's page of one index, from whichever of its mirrors has it. `answers` gets what the others said.
    std::optional<IndexPage> page_of(const std::string& name, std::size_t index, Answers& answers) const {
        const auto& asked = index_.asked_[index];
        std::optional<Error> failure;
        for (std::size_t i = 0; i < asked.size(); ++i) {
            const Url url =
                asked[i].scheme() == "file" ? asked[i].join(name).join("index.html") : asked[i].join(name + "/");
            try {
                int status = 0;
                if (auto found = page(url, status)) return found;
                answers.push_back({url, status});
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::Cancelled || asked.size() == 1) throw;
                index_.reporter_.debug(fmt::format("{}: {}", url.to_string(), error.message()));
                if (!failure) failure = error;
            }
        }
        // The one that could not say may have it.
        if (failure) throw std::move(*failure);
        return std::nullopt;
    }

    // Of one --find-links.
    std::vector<IndexFile> links(const Url& place) const {
        if (has_archive_ending(place.filename())) return {single_file(place)};
        if (place.scheme() == "file") {
            const fs::path path = place.file_path();
            if (fs::is_directory(path)) return folder(path);
        }
        int status = 0;
        auto found = page(place, status);
        if (found) return std::move(found->files);
        if (status == kForbidden) throw unauthorized(place, status);
        throw Error(ErrorKind::NotFound, fmt::format("{} of --find-links is not there", place.to_string()))
            .with_hint("it names a page with links, a file, or a folder");
    }

  private:
    static constexpr std::uint64_t kLimit = 256 << 20;

    static IndexFile single_file(const Url& place) {
        IndexFile file;
        file.filename = place.filename();
        file.url = place.without_fragment();
        for (const auto field : split(place.fragment(), '&')) {
            if (!field.starts_with("sha256=")) continue;
            if (const auto digest = Digest::from_hex(field.substr(7))) file.sha256 = *digest;
        }
        return file;
    }

    static std::vector<IndexFile> folder(const fs::path& path) {
        std::set<std::string> names;
        std::error_code error;
        for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
            std::string name = it->path().filename();
            if (has_archive_ending(name) && it->is_regular_file(error)) names.insert(std::move(name));
        }
        if (error)
            throw Error(ErrorKind::Io, fmt::format("{}: cannot read the folder: {}", path.string(), error.message()));
        std::vector<IndexFile> files;
        for (const auto& name : names) {
            IndexFile file;
            file.filename = name;
            file.url = Url::from_path((path / name).string());
            file.size = fs::file_size(path / name);
            files.push_back(std::move(file));
        }
        return files;
    }

    const PackageIndex& index_;
};

namespace {

// Adds what one place offers, where a place before it does not have it.
class Merge {
  public:
    Merge(Project& project, const std::vector<Url>& places) : project_(project), places_(places) {}

    void add(const IndexFile& file, std::size_t place) {
        auto& known = by_name_[file.filename];
        for (const auto at : known) {
            auto& before = project_.files[at].file;
            if (before.sha256 == file.sha256) return;
            if (before.url != file.url || (before.sha256 && file.sha256)) continue;
            if (!before.sha256) before.sha256 = file.sha256;  // one file, of which one of them says more
            return;
        }
        std::string dispute;
        if (!known.empty()) {
            auto& first = project_.files[known.front()];
            // Where one gives no hash nobody knows whether they differ, and pages of links and small indexes give none
            // of what they copied from others: then the first has it.
            if (!first.file.sha256 || !file.sha256) return;
            dispute = fmt::format("{} is offered by {} with the sha256 {}, and by {} with the sha256 {}",
                                  shown(file.filename), places_[first.place].to_string(), first.file.sha256->hex(),
                                  places_[place].to_string(), file.sha256->hex());
            if (first.dispute.empty()) first.dispute = dispute;
        }
        known.push_back(project_.files.size());
        project_.files.push_back({file, place, std::move(dispute)});
    }

  private:
    Project& project_;
    const std::vector<Url>& places_;
    std::map<std::string, std::vector<std::size_t>> by_name_;
};

}  // namespace

PackageIndex::PackageIndex(HttpClient& client, PackageIndexSettings settings, Reporter& reporter)
    : client_(client),
      settings_(std::move(settings)),
      reporter_(reporter),
      pages_(settings_.cache_directory / "pages"),
      links_(settings_.find_links.size()) {
    const auto without_credential = [&](const Url& url) {
        client_.credentials().add_from_url(url);
        return url.without_user_info();
    };
    for (auto* list : {&settings_.indexes, &settings_.find_links}) {
        for (Url& url : *list) {
            url = without_credential(url);
            places_.push_back(url.without_fragment());
        }
    }
    for (const Url& index : settings_.indexes) {
        const auto mirrors = settings_.mirrors.find(index.to_string());
        auto& asked = asked_.emplace_back();
        if (mirrors == settings_.mirrors.end() || mirrors->second.empty()) {
            asked = {index};
        } else {
            for (const Url& mirror : mirrors->second) asked.push_back(without_credential(mirror));
        }
    }
}

PackageIndex::~PackageIndex() = default;

std::shared_ptr<const Project> PackageIndex::project(const std::string& name) {
    std::promise<std::shared_ptr<const Project>> promise;
    {
        std::unique_lock lock(mutex_);
        if (const auto found = projects_.find(name); found != projects_.end()) {
            const Future future = found->second;
            lock.unlock();
            return future.get();
        }
        projects_.emplace(name, promise.get_future().share());
    }
    try {
        const Reader reader(*this);
        std::call_once(links_read_, [&] {
            parallel_for(links_.size(), settings_.threads,
                         [&](std::size_t i) { links_[i] = reader.links(settings_.find_links[i]); });
        });
        std::vector<std::optional<IndexPage>> pages(settings_.indexes.size());
        std::vector<Reader::Answers> answers(pages.size());
        parallel_for(pages.size(), settings_.threads,
                     [&](std::size_t i) { pages[i] = reader.page_of(name, i, answers[i]); });

        auto project = std::make_shared<Project>();
        project->name = name;
        Merge merge(*project, places_);
        for (std::size_t i = 0; i < pages.size(); ++i) {
            if (!pages[i]) {
                for (const auto& [url, status] : answers[i])
                    project->absent.push_back(fmt::format("{} answered {}", url.to_string(), status));
                continue;
            }
            project->known = true;
            for (const IndexFile& file : pages[i]->files) merge.add(file, i);
        }
        for (std::size_t i = 0; i < links_.size(); ++i) {
            for (const IndexFile& file : links_[i]) {
                if (belongs_to(file.filename, name)) merge.add(file, pages.size() + i);
            }
        }
        // Some servers answer 403 for what they do not have, but where nothing else has it either, it may be a login.
        if (!project->known && project->files.empty()) {
            for (const auto& [url, status] : std::views::join(answers)) {
                if (status == kForbidden) throw unauthorized(url, status);
            }
        }
        promise.set_value(project);
        return project;
    } catch (...) {
        promise.set_exception(std::current_exception());
        throw;
    }
}

void PackageIndex::prefetch(const std::vector<std::string>& names) {
    parallel_for(names.size(), settings_.threads, [&](std::size_t i) {
        client_.cancel().throw_if_cancelled();
        try {
            (void)project(names[i]);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
        }
    });
}

Error PackageIndex::absent_error(const Project& project) const {
    std::string message = fmt::format("no package index has '{}'", project.name);
    if (!project.absent.empty()) message += ": " + join(project.absent, ", ");
    if (!settings_.find_links.empty()) message += "; nor has --find-links";
    return Error(ErrorKind::NotFound, message)
        .with_hint("check the name, or name the index that has it by --index-url or --extra-index-url");
}

}  // namespace envbuild::pypi
