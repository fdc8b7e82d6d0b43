// A Boost.Interprocess peer, behind the line protocol of ../README.md: shared_memory_object, managed_shared_memory
// and managed_mapped_file, as Boost's own examples use them. Headers alone.
#include <boost/interprocess/managed_mapped_file.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace ipc = boost::interprocess;

// What lies in every segment.
struct Counter {
    ipc::interprocess_mutex mutex;
    std::uint64_t count = 0;
};

// A segment and the counter in it.
struct Held {
    virtual ~Held() = default;
    Counter *counter = nullptr;
};

struct Object : Held {
    ipc::shared_memory_object object;
    ipc::mapped_region region;

    Object(const std::string &name, ipc::offset_t size)
        : object(ipc::create_only, name.c_str(), ipc::read_write)
    {
        object.truncate(size);
        region = ipc::mapped_region(object, ipc::read_write);
        counter = new (region.get_address()) Counter;
    }
};

template<typename Memory>
struct Managed : Held {
    Memory memory;

    Managed(const std::string &name, std::size_t size) : memory(ipc::create_only, name.c_str(), size)
    {
        counter = memory.template construct<Counter>("counter")();
    }
};

std::vector<std::unique_ptr<Held>> held;

std::string answer(std::istream &words)
{
    std::string command, name;
    std::size_t size = 0;
    words >> command;
    if (command == "create" && words >> name >> size)
        held.push_back(std::make_unique<Object>(name, static_cast<ipc::offset_t>(size)));
    else if (command == "create-managed" && words >> name >> size)
        held.push_back(std::make_unique<Managed<ipc::managed_shared_memory>>(name, size));
    else if (command == "create-file" && words >> name >> size)
        held.push_back(std::make_unique<Managed<ipc::managed_mapped_file>>(name, size));
    else if (command == "count") {
        std::string counts;
        for (const auto &one : held) {
            ipc::scoped_lock<ipc::interprocess_mutex> lock(one->counter->mutex);
            counts += ' ' + std::to_string(++one->counter->count);
        }
        return "ok" + counts;
    } else
        return "err Unsupported no such command";
    return "ok";
}

} // namespace

int main()
{
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "exit") {
            std::cout << "ok" << std::endl;
            break;
        }
        std::istringstream words(line);
        std::string reply;
        try {
            reply = answer(words);
        } catch (const ipc::interprocess_exception &error) {
            reply = std::string(error.get_error_code() == ipc::already_exists_error ? "err AlreadyExists "
                                                                                    : "err Unknown ")
                + error.what();
        }
        std::cout << reply << std::endl;
    }
    return 0;
}
