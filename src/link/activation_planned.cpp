#include <set>

#include "link/activation.hpp"

namespace envbuild::link {

namespace {

constexpr std::uint64_t kMaxFile = 1 << 20;

bool decides_activation(const std::string& path) {
    return path.starts_with("etc/conda/activate.d/") || path.starts_with("etc/conda/env_vars.d/") ||
           path == "conda-meta/state";
}

// Keeps the few files that matter and lets the rest pass.
class CapturingSink : public TreeSink {
  public:
    explicit CapturingSink(std::map<std::string, std::string>& texts) : texts_(texts) {}
    void directory(const std::string&, std::uint32_t, std::int64_t) override {}
    void file(const std::string& path, std::uint32_t, std::int64_t, std::uint64_t,
              conda::ContentReader& content) override {
        if (decides_activation(path)) {
            texts_[path] = content.read_all(kMaxFile);
            return;
        }
        std::string buffer(std::size_t{64} << 10, '\0');
        while (content.read(buffer) > 0) {
        }
    }
    void symlink(const std::string& path, const std::string& target, std::int64_t) override {
        const auto slash = path.rfind('/');
        if (decides_activation(path) && target.find('/') == std::string::npos)
            links_[path] = path.substr(0, slash + 1) + target;
    }
    void hardlink(const std::string& path, const std::string& target) override {
        if (decides_activation(path) && texts_.contains(target)) texts_[path] = texts_[target];
    }
    // Links among neighbours, as some packages have them.
    void follow_links() {
        for (const auto& [path, target] : links_) {
            if (texts_.contains(target)) texts_[path] = texts_[target];
        }
    }

  private:
    std::map<std::string, std::string>& texts_;
    std::map<std::string, std::string> links_;
};

}  // namespace

PlannedActivation::PlannedActivation(const LinkPlan& plan) : plan_(plan) {
    std::set<std::size_t> packages;
    for (const char* folder : {"etc/conda/activate.d", "etc/conda/env_vars.d"}) {
        for (const auto& name : plan.names_in(folder)) packages.insert(*plan.owner(std::string(folder) + "/" + name));
    }
    if (const auto owner = plan.owner("conda-meta/state")) packages.insert(*owner);
    CapturingSink sink(texts_);
    for (const std::size_t index : packages) (void)plan.emit(index, sink);
    sink.follow_links();
}

std::vector<std::string> PlannedActivation::list(std::string_view directory) const {
    return plan_.names_in(directory);
}

std::optional<std::string> PlannedActivation::read(const std::string& path) const {
    const auto found = texts_.find(path);
    return found == texts_.end() ? std::nullopt : std::optional(found->second);
}

ActivationFiles::What PlannedActivation::what(const std::string& path) const {
    if (plan_.is_folder(path)) return What::Directory;
    return plan_.owner(path) ? What::File : What::Nothing;
}

}  // namespace envbuild::link
