// In envbuild-install Json::parse is this; elsewhere base/json_parse.cpp has it.
#include "install/json_text.hpp"

namespace envbuild {

Expected<Json> Json::parse(std::string_view text) {
    return install::parse_json_text(text);
}

}  // namespace envbuild
