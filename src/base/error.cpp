#include "base/error.hpp"

#include "base/strings.hpp"

namespace envbuild {

std::string_view to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
            return "invalid input";
        case ErrorKind::Unsatisfiable:
            return "unsatisfiable";
        case ErrorKind::NotFound:
            return "not found";
        case ErrorKind::Unauthorized:
            return "unauthorized";
        case ErrorKind::Transient:
            return "unreachable";
        case ErrorKind::Corrupt:
            return "corrupt";
        case ErrorKind::Io:
            return "i/o error";
        case ErrorKind::BuildFailed:
            return "build failed";
        case ErrorKind::Cancelled:
            return "cancelled";
        case ErrorKind::Bug:
            return "internal error";
    }
    return "internal error";
}

int exit_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
        case ErrorKind::NotFound:
            return 2;
        case ErrorKind::Transient:
            return 4;
        case ErrorKind::Unsatisfiable:
            return 5;
        case ErrorKind::Unauthorized:
            return 6;
        case ErrorKind::Io:
        case ErrorKind::BuildFailed:
            return 7;
        case ErrorKind::Corrupt:
            return 8;
        case ErrorKind::Cancelled:
            return 130;
        case ErrorKind::Bug:
            return 70;
    }
    return 70;
}

Error&& Error::with_context(std::string frame) && {
    context_.push_back(std::move(frame));
    return std::move(*this);
}

Error&& Error::with_hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
}

Error&& Error::with_details(std::string json) && {
    details_ = std::move(json);
    return std::move(*this);
}

Error& Error::add_context(std::string frame) & {
    context_.push_back(std::move(frame));
    return *this;
}

std::string Error::to_string() const {
    std::string text = message_;
    for (const auto& frame : context_) text += "\n  while " + frame;
    if (!hint_.empty()) text += "\n  " + replace_all(hint_, "\n", "\n  ");
    return text;
}

}  // namespace envbuild
