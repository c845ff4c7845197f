#include "docker/buildkit_trace.hpp"

namespace envbuild::docker {

namespace {

// protobuf.dev/programming-guides/encoding: fields of one message. A length-delimited field comes as bytes, others as a
// number.
class Fields {
  public:
    explicit Fields(std::string_view message) : rest_(message) {}

    std::uint64_t number = 0;
    std::uint64_t value = 0;
    std::string_view bytes;

    bool next() {
        if (rest_.empty()) return false;
        const std::uint64_t tag = varint();
        number = tag >> 3U;
        bytes = {};
        value = 0;
        switch (tag & 7U) {
            case 0:
                value = varint();
                break;
            case 1:
                (void)take(8);
                break;
            case 2:
                bytes = take(varint());
                break;
            case 5:
                (void)take(4);
                break;
            default:
                corrupt();
        }
        return true;
    }

    [[nodiscard]] std::string text() const { return std::string(bytes); }

  private:
    [[noreturn]] static void corrupt() {
        throw Error(ErrorKind::Corrupt, "the Docker engine's build progress is not a BuildKit message");
    }

    std::uint64_t varint() {
        std::uint64_t result = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (rest_.empty()) corrupt();
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            result |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
            if ((byte & 0x80U) == 0) return result;
        }
        corrupt();
    }

    std::string_view take(std::uint64_t size) {
        if (size > rest_.size()) corrupt();
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
};

double timestamp(std::string_view bytes) {
    double seconds = 0;
    for (Fields fields(bytes); fields.next();) {
        if (fields.number == 1) seconds += static_cast<double>(static_cast<std::int64_t>(fields.value));
        if (fields.number == 2) seconds += static_cast<double>(fields.value) * 1e-9;
    }
    return seconds;
}

TraceVertex vertex(std::string_view bytes) {
    TraceVertex vertex;
    for (Fields fields(bytes); fields.next();) {
        switch (fields.number) {
            case 1:
                vertex.digest = fields.text();
                break;
            case 2:
                vertex.inputs.push_back(fields.text());
                break;
            case 3:
                vertex.name = fields.text();
                break;
            case 4:
                vertex.cached = fields.value != 0;
                break;
            case 5:
                vertex.started = timestamp(fields.bytes);
                break;
            case 6:
                vertex.completed = timestamp(fields.bytes);
                break;
            case 7:
                vertex.error = fields.text();
                break;
            default:
                break;
        }
    }
    return vertex;
}

TraceStatus status(std::string_view bytes) {
    TraceStatus status;
    for (Fields fields(bytes); fields.next();) {
        switch (fields.number) {
            case 1:
                status.id = fields.text();
                break;
            case 2:
                status.vertex = fields.text();
                break;
            case 3:
                status.name = fields.text();
                break;
            case 4:
                status.current = static_cast<std::int64_t>(fields.value);
                break;
            case 5:
                status.total = static_cast<std::int64_t>(fields.value);
                break;
            case 8:
                status.completed = true;
                break;
            default:
                break;
        }
    }
    return status;
}

TraceLog log(std::string_view bytes) {
    TraceLog log;
    for (Fields fields(bytes); fields.next();) {
        switch (fields.number) {
            case 1:
                log.vertex = fields.text();
                break;
            case 3:
                log.stream = static_cast<std::int64_t>(fields.value);
                break;
            case 4:
                log.bytes = fields.text();
                break;
            default:
                break;
        }
    }
    return log;
}

TraceWarning warning(std::string_view bytes) {
    TraceWarning warning;
    for (Fields fields(bytes); fields.next();) {
        if (fields.number == 1) warning.vertex = fields.text();
        if (fields.number == 3) warning.text = fields.text();
    }
    return warning;
}

}  // namespace

Expected<Trace> decode_trace(std::string_view bytes) {
    Trace trace;
    try {
        for (Fields fields(bytes); fields.next();) {
            switch (fields.number) {
                case 1:
                    trace.vertices.push_back(vertex(fields.bytes));
                    break;
                case 2:
                    trace.statuses.push_back(status(fields.bytes));
                    break;
                case 3:
                    trace.logs.push_back(log(fields.bytes));
                    break;
                case 4:
                    trace.warnings.push_back(warning(fields.bytes));
                    break;
                default:
                    break;
            }
        }
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
    return trace;
}

}  // namespace envbuild::docker
