#include "build/key_diff.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace envbuild::build {

namespace {

// Their order is part of what is asked: the priority of channels and indexes.
bool is_ordered(const std::string& part) {
    return part == "channels" || part == "indexes.urls" || part == "indexes.find_links" || part.ends_with("steps");
}

std::string text_of(const Json& value) {
    if (value.is_null()) return "";
    return value.is_string() ? value.as_string() : value.canonical();
}

std::string name_of(const Json& object) {
    return object.string_or("name", "") + (object.bool_or("build_only", false) ? " (build)" : "");
}

class Differ {
  public:
    std::vector<KeyDifference> take() { return std::move(found_); }

    void compare(const std::string& part, const Json& before, const Json& after) {
        if (before == after) return;
        if (is_object_or_null(before) && is_object_or_null(after)) {
            objects(part, before, after);
        } else if (is_array_or_null(before) && is_array_or_null(after) && !is_ordered(part)) {
            arrays(part, before, after);
        } else {
            found_.push_back({part, text_of(before), text_of(after)});
        }
    }

  private:
    static bool is_object_or_null(const Json& json) { return json.is_object() || json.is_null(); }
    static bool is_array_or_null(const Json& json) { return json.is_array() || json.is_null(); }

    void objects(const std::string& part, const Json& before, const Json& after) {
        std::set<std::string> keys;
        for (const auto* side : {&before, &after}) {
            if (!side->is_object()) continue;
            for (const auto& [key, value] : side->as_object()) keys.insert(key);
        }
        for (const auto& key : keys) compare(part.empty() ? key : part + "." + key, before[key], after[key]);
    }

    void arrays(const std::string& part, const Json& before, const Json& after) {
        const auto old_items = items_of(before);
        const auto new_items = items_of(after);
        std::set<std::string> keys;
        for (const auto& [key, value] : old_items) keys.insert(key);
        for (const auto& [key, value] : new_items) keys.insert(key);
        for (const auto& key : keys) {
            const auto old_item = old_items.find(key);
            const auto new_item = new_items.find(key);
            if (old_item == old_items.end()) {
                found_.push_back({part, "", summary(new_item->second)});
            } else if (new_item == new_items.end()) {
                found_.push_back({part, summary(old_item->second), ""});
            } else if (!(old_item->second == new_item->second)) {
                const auto was = summary(old_item->second);
                const auto is = summary(new_item->second);
                // The same package of the same version and build, with other bytes or from elsewhere.
                if (was == is) {
                    objects(part + "." + key, old_item->second, new_item->second);
                } else {
                    found_.push_back({part, was, is});
                }
            }
        }
    }

    static std::map<std::string, Json> items_of(const Json& array) {
        std::map<std::string, Json> items;
        if (array.is_null()) return items;
        for (const auto& item : array.as_array())
            items.insert_or_assign(item.is_object() ? name_of(item) : text_of(item), item);
        return items;
    }

    // "numpy 1.24.2 py311h_0"
    static std::string summary(const Json& item) {
        if (!item.is_object()) return text_of(item);
        auto text = name_of(item) + " " + item.string_or("version", "");
        if (const auto build = item.string_or("build", ""); !build.empty()) text += " " + build;
        return text;
    }

    std::vector<KeyDifference> found_;
};

}  // namespace

std::vector<KeyDifference> key_differences(const Json& before, const Json& after) {
    Differ differ;
    differ.compare("", before, after);
    return differ.take();
}

}  // namespace envbuild::build
